"""`rules check`: what is wrong and where, for people and for programs."""

from pathlib import Path

import pytest

from tests.cli.calling import call, run_process
from tests.cli.written import BAD, GOOD, NOTIFIES, write_config, write_rules

KEYS = {"file", "line", "column", "code", "message", "hint", "severity"}


def test_a_good_file_is_counted(folder: Path) -> None:
    answer = call("check", write_rules(folder, GOOD))
    assert (answer.code, answer.out) == (0, "1 rule, no errors\n")


def test_the_rule_folder_is_checked_when_no_path_is_given(folder: Path) -> None:
    write_rules(folder, GOOD)
    write_rules(folder, GOOD.replace("ma-when", "other-when"), "second.yml")
    answer = call("check")
    assert (answer.code, answer.out) == (0, "2 rules, no errors\n")


def test_the_folder_of_the_configuration_is_checked_from_anywhere(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "mine.yaml").write_text(BAD)
    (folder / "settings").mkdir()
    (folder / "settings" / "engine.yaml").write_text("rules: ../mine\n")
    answer = call("check", "--config", "settings/engine.yaml")
    assert answer.code == 1
    assert "mine/mine.yaml:4:" in answer.out


def test_a_process_prints_every_problem_with_its_place_and_caret(folder: Path) -> None:
    answer = run_process("check", write_rules(folder, BAD), folder=folder)
    assert answer.code == 1
    assert answer.err == ""
    assert answer.out == (
        "error[R201]: 'crosses over' is not a condition\n"
        " --> rules/rules.yaml:4:13\n"
        "  |\n"
        "4 |     when: V crosses over 200\n"
        "  |             ^^^^^^^^^^^^ write 'crosses above', 'crosses below' or 'crosses'\n"
        "error[R102]: unknown key 'cooldwn'\n"
        " --> rules/rules.yaml:6:5\n"
        "  |\n"
        "6 |     cooldwn: 15m\n"
        "  |     ^^^^^^^ did you mean 'cooldown'?\n"
    )


def test_json_is_one_array_of_located_problems(folder: Path) -> None:
    answer = call("check", "--json", write_rules(folder, BAD))
    assert answer.code == 1
    assert all(set(problem) == KEYS for problem in answer.json)
    assert answer.json[1] == {
        "file": "rules/rules.yaml",
        "line": 6,
        "column": 5,
        "code": "R102",
        "message": "unknown key 'cooldwn'",
        "hint": "did you mean 'cooldown'?",
        "severity": "error",
    }


def test_json_of_good_rules_is_an_empty_array(folder: Path) -> None:
    answer = call("check", "--json", write_rules(folder, GOOD))
    assert (answer.code, answer.json, answer.err) == (0, [], "")


def test_problems_of_several_files_come_in_the_order_of_the_files(folder: Path) -> None:
    write_rules(folder, BAD, "b.yaml")
    write_rules(folder, "version: 1\nrules: []\n", "a.yaml")
    files = [problem["file"] for problem in call("check", "--json", "rules").json]
    assert files == sorted(files)
    assert set(files) == {"rules/a.yaml", "rules/b.yaml"}


def test_a_name_in_two_files_is_found(folder: Path) -> None:
    answer = call("check", "--json", write_rules(folder, GOOD), write_rules(folder, GOOD, "again.yaml"))
    assert [problem["code"] for problem in answer.json] == ["R306"]


@pytest.mark.parametrize(("path", "said"), [("absent.yaml", "No such file"), ("rules", "No such file")])
def test_what_is_not_there_is_a_problem_in_words(path: str, said: str) -> None:
    answer = call("check", path)
    assert answer.code == 1
    assert f"--> {path}:1:1" in answer.out
    assert said in answer.out


def test_a_folder_without_rule_files_is_a_problem(folder: Path) -> None:
    (folder / "rules").mkdir()
    answer = call("check")
    assert answer.code == 1
    assert "the folder holds no rule files" in answer.out


def test_a_plan_that_cannot_be_is_a_located_problem(folder: Path) -> None:
    text = GOOD.replace("V crosses above 200", "V moves 5% in 5m") + "    run: at broker\n"
    answer = call("check", "--json", write_rules(folder, text))
    assert answer.code == 1
    (problem,) = answer.json
    assert (problem["file"], problem["line"]) == ("rules/rules.yaml", 7)


def test_any_channel_will_do_where_no_configuration_says_which_there_are(folder: Path) -> None:
    assert call("check", write_rules(folder, NOTIFIES)).code == 0


def test_with_a_configuration_an_unknown_channel_is_a_problem(folder: Path) -> None:
    write_config(folder, "channels: {phones: 'json://127.0.0.1:9/'}\n")
    answer = call("check", "--json", write_rules(folder, NOTIFIES))
    assert answer.code == 1
    (problem,) = answer.json
    assert (problem["code"], problem["line"], problem["hint"]) == ("R309", 7, "did you mean 'phones'?")


def test_with_a_configuration_a_known_channel_will_do(folder: Path) -> None:
    write_config(folder, "channels: {phone: 'json://127.0.0.1:9/'}\n", mode=0o644)
    assert call("check", write_rules(folder, NOTIFIES)).code == 0


def test_a_broken_configuration_is_not_a_problem_of_the_rules(folder: Path) -> None:
    write_config(folder, "mode: papr\n")
    answer = call("check", "--json", write_rules(folder, GOOD))
    assert (answer.code, answer.out) == (78, "")
    assert "config.yaml:1:7" in answer.err
    assert "did you mean 'paper'?" in answer.err


def test_a_configuration_that_is_not_there_is_said(folder: Path) -> None:
    answer = call("check", "--config", "absent.yaml", write_rules(folder, GOOD))
    assert answer.code == 78
    assert answer.err == "absent.yaml: No such file or directory\n"


def test_a_place_that_cannot_be_is_reported_beside_other_mistakes_in_file_order(folder: Path) -> None:
    text = (
        "version: 1\nrules:\n"
        "  - {name: insists, when: V moves 5% in 5m, do: buy 100 MA, run: at broker}\n"
        "  - {name: misspelt, when: V crosses over 200, do: buy 100 MA}\n"
        "  - {name: insists-too, when: V moves 1% in 5m, do: buy 100 MA, run: at broker}\n"
    )
    answer = call("check", write_rules(folder, text))
    assert answer.code == 1
    assert [line.split("[")[1].split("]")[0] for line in answer.out.splitlines() if line.startswith("error")] == [
        "R501",
        "R201",
        "R501",
    ]
