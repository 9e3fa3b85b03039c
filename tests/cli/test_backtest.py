"""`rules backtest`: its report, its lines of JSON, and how it answers what it cannot do."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from rich.progress import Progress as Bar

from rules_engine.cli.backtest import command
from rules_engine.cli.progress import Done, Left, Rate
from tests.cli.calling import COMMAND, DEADLINE_S, Answer, call, run_process
from tests.cli.written import BAD, write_config, write_rules

GOLDEN = Path(__file__).parent / "golden" / "backtest"
RULES = (GOLDEN / "rules.yaml").read_text()
DATA = ("--data", f"V={GOLDEN / 'v.csv'}", "--data", f"MA={GOLDEN / 'ma.csv'}")
WHEN_V_HITS_200 = """
version: 1
timezone: UTC
rules:
  - {name: one, when: V crosses above 200, do: buy 100 V}
"""
CALLS = {
    "report.txt": (),
    "firings.jsonl": ("--json",),
    "summary.json": ("--summary", "json"),
    "part.txt": ("--from", "2030-01-08", "--to", "2030-01-10", "--spread", "0.10", "--commission", "0.01"),
}


def backtest(*words: str) -> Answer:
    return call("backtest", str(GOLDEN / "rules.yaml"), *DATA, *words)


def said(name: str) -> str:
    answer = backtest(*CALLS[name])
    assert (answer.code, answer.err) == (0, "")
    lines = (line.rstrip() for line in answer.out.splitlines())
    return "\n".join(lines) + "\n"


def rewrite() -> None:
    """Makes what is said now the expected texts."""
    for name in CALLS:
        (GOLDEN / name).write_text(said(name))


@pytest.mark.parametrize("name", CALLS)
def test_what_is_said_is_as_expected(name: str) -> None:
    assert said(name) == (GOLDEN / name).read_text()


def test_json_is_one_firing_a_line_and_nothing_else() -> None:
    answer = backtest("--json")
    lines = [json.loads(line) for line in answer.out.splitlines()]
    assert lines
    assert all(list(line) == ["rule", "case", "at", "values", "actions"] for line in lines)
    assert all(line["at"].endswith("Z") and "T" in line["at"] for line in lines)
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)


@pytest.mark.parametrize(("form", "begins"), [("json", "{"), ("text", "2030-01-03")])
def test_a_summary_asked_for_beside_json_goes_to_stderr(form: str, begins: str) -> None:
    answer = backtest("--json", "--summary", form)
    assert answer.out == backtest("--json").out
    assert answer.err.startswith(begins)


def test_bad_rules_are_told_as_check_tells_them(folder: Path) -> None:
    answer = call("backtest", write_rules(folder, BAD), *DATA)
    assert (answer.code, answer.out) == (1, "")
    assert "error[R201]" in answer.err and "error[R102]" in answer.err


def test_the_problems_of_all_files_are_told_at_once(folder: Path) -> None:
    (folder / "v.csv").write_text("timestamp,price\n2,5\n1,5\n3,x\n")
    (folder / "ma.csv").write_text("when,what\n")
    rules = str(GOLDEN / "rules.yaml")
    answer = run_process("backtest", rules, "--json", "--data", "V=v.csv", "--data", "MA=ma.csv", folder=folder)
    assert (answer.code, answer.out) == (78, "")
    places = [line.split("--> ")[1] for line in answer.err.splitlines() if "--> " in line]
    assert places == ["v.csv:3:1", "v.csv:4:3", "ma.csv:1:1"]
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--data", "V"), "'V' is neither NAME=FILE, such as V=visa.csv, nor a folder"),
        (("--data", "v=v.csv"), "the rules name no instrument v; did you mean V?"),
        (("--data", "IBM=v.csv"), "the rules name no instrument IBM; they name MA, V"),
        ((*DATA, "--data", "V=v.csv"), "V has two files"),
        ((*DATA, "--timezone", "New York"), "'New York' is no time zone"),
        ((*DATA, "--from", "last year"), "'last year' is neither 2030-12-20 nor '2030-12-20 09:30'"),
        ((*DATA, "--from", "2030-01-08", "--to", "2030-01-07"), "--from is not before --to"),
        ((*DATA, "--spread", "wide"), "'wide' is neither an amount (0.02) nor a share of the price (0.02%)"),
        ((*DATA, "--commission", "-1"), "'-1' is neither"),
        ((*DATA, "--capital", "nan"), "nan is no amount"),
        ((*DATA, "--capital", "inf"), "inf is no amount"),
        ((), "Missing option '--data'"),
    ],
)
def test_a_wrong_call_is_answered_with_usage_and_exit_code_2(words: tuple[str, ...], why: str) -> None:
    answer = call("backtest", str(GOLDEN / "rules.yaml"), *words)
    assert (answer.code, answer.out) == (2, "")
    assert why in " ".join(answer.err.split())


def test_rules_of_several_time_zones_have_no_common_ends(folder: Path) -> None:
    write_rules(folder, RULES.replace("America/New_York", "UTC").replace("name: ", "name: other-"), "other.yaml")
    path = write_rules(folder, RULES)
    assert call("backtest", str(Path(path).parent), *DATA).code == 0
    answer = call("backtest", str(Path(path).parent), *DATA, "--from", "2030-01-08")
    assert answer.code == 2
    assert "--from and --to need rules of one timezone" in " ".join(answer.err.split())


def test_what_is_beyond_all_numbers_is_null_in_json(folder: Path) -> None:
    text = "time,price\n" + "".join(f"2030-01-03 15:00:0{at},{price}\n" for at, price in enumerate((190, 205, 1e308)))
    (folder / "v.csv").write_text(text)
    answer = call(
        "backtest", write_rules(folder, WHEN_V_HITS_200), "--data", f"V={folder / 'v.csv'}", "--summary", "json"
    )
    summary = json.loads(answer.out, parse_constant=pytest.fail)
    assert (summary["filled"], summary["equity"], summary["gross_max"]) == (1, None, None)


def test_a_rule_that_is_not_enabled_is_named(folder: Path) -> None:
    rules = write_rules(folder, WHEN_V_HITS_200.replace("buy 100 V", "buy 100 V, enabled: false"))
    answer = call("backtest", rules, *DATA[:2], "--json")
    assert (answer.code, answer.out) == (0, "")
    assert answer.err == "warning: one is never armed: it says 'enabled: false'\n"


def test_prices_from_a_pipe_cannot_be_read_twice(folder: Path) -> None:
    os.mkfifo(folder / "prices.csv")
    answer = call("backtest", str(GOLDEN / "rules.yaml"), "--data", f"V={folder / 'prices.csv'}")
    assert (answer.code, answer.out) == (2, "")
    assert "is a pipe or a device, and prices are read twice" in " ".join(answer.err.split())


@pytest.mark.parametrize("spread", ["700", "200%"])
def test_a_spread_that_leaves_no_bid_is_told(spread: str) -> None:
    warnings = json.loads(backtest("--summary", "json", "--spread", spread).out)["warnings"]
    assert [words.partition(" at ")[0] for words in warnings] == [
        f"{name}: with a spread of {spread} its bid is 0 or less" for name in ("V", "MA")
    ]


def test_limits_are_those_of_the_configuration(folder: Path) -> None:
    write_config(folder, "rules: rules/\nlimits: {max_order_quantity: 10}\n")
    summary = json.loads(backtest("--summary", "json").out)
    assert sum(rule["orders"] for rule in summary["rules"]) == 0
    assert summary["rules"][0]["not_sent"]["a limit would be exceeded"] > 0


def test_an_end_that_has_passed_is_no_problem_here(folder: Path) -> None:
    rules = write_rules(folder, RULES.replace("once: true", "once: true\n    expires: 2020-01-01 10:00"))
    assert call("check", rules).code == 1
    assert call("backtest", rules, *DATA).code == 0


def test_no_prices_between_the_ends_is_said() -> None:
    answer = backtest("--from", "2031-01-01")
    assert answer.code == 0
    assert "no prices" in answer.out
    assert "warning: there are no prices between the two ends" in answer.out


def test_with_json_warnings_go_to_stderr(folder: Path) -> None:
    answer = call("backtest", str(GOLDEN / "rules.yaml"), *DATA[:2], "--json")
    assert answer.code == 0
    assert answer.err.splitlines() == [
        "warning: MA has no prices: what rules read of it is unknown",
        "warning: MA has no prices: orders in it never fill",
    ]


@pytest.mark.parametrize("is_long", [True, False])
def test_progress_is_shown_on_a_terminal_when_it_takes_long(folder: Path, is_long: bool) -> None:
    (folder / "v.csv").write_text("time,price\n" + "".join(f"{second},100\n" for second in range(1, 2000)))
    program = (
        "import sys; from rules_engine.cli import progress, main;"
        f"progress.SHOWN_AFTER_S = {0.0 if is_long else 1e9}; sys.argv[0] = 'rules'; main()"
    )
    ours, theirs = pty.openpty()
    words = ("-c", program, "backtest", str(GOLDEN / "rules.yaml"), "--data", "V=v.csv", "--json")
    try:
        subprocess.run(
            [COMMAND[0], *words],
            cwd=folder,
            env={**os.environ, "TERM": "xterm"},
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            timeout=DEADLINE_S,
            check=True,
        )
        shown = os.read(ours, 1 << 16).decode()
    finally:
        os.close(theirs)
        os.close(ours)
    assert ("reading" in shown and "playing" in shown) is is_long
    assert "warning: MA has no prices" in shown


def flat_with_spikes(folder: Path) -> tuple[str, ...]:
    """A call that tells four thousand firings: more than a pipe holds."""
    rules = write_rules(folder, "version: 1\nrules:\n  - {name: up, when: V > 100, do: notify desk}\n")
    (folder / "v.csv").write_text("time,price\n" + "".join(f"{at},{100 + at % 2}\n" for at in range(1, 8001)))
    return *COMMAND, "backtest", rules, "--data", f"V={folder / 'v.csv'}"


@pytest.mark.parametrize("form", [("--json",), ("--summary", "text"), ("--summary", "json")])
def test_a_full_disk_is_told_in_one_line(folder: Path, form: tuple[str, ...]) -> None:
    words = (*flat_with_spikes(folder), *form)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            words, stdout=full, stderr=subprocess.PIPE, env=environment, timeout=DEADLINE_S, check=False
        )
    assert (ended.returncode, ended.stderr) == (74, b"rules: could not write: No space left on device\n")


def test_whoever_reads_no_further_hears_no_more(folder: Path) -> None:
    with subprocess.Popen(
        (*flat_with_spikes(folder), "--json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        first = json.loads(process.stdout.readline())
        process.stdout.close()
        assert (process.wait(DEADLINE_S), process.stderr.read()) == (1, b"")
    assert first["values"] == {"V": 101.0}


@pytest.mark.parametrize(
    ("done", "as_bytes", "shown"),
    [
        ([], False, ["0/30,000", "", "-:--:--"]),
        ([0, 0], False, ["0/30,000", "", "-:--:--"]),
        ([500, 500, 500], False, ["1,500/30,000", "1,000/s", "0:00:28"]),
        ([0, 0, 0, 6000], False, ["6,000/30,000", "3,000/s", "0:00:08"]),
        ([15_000, 15_000], False, ["30,000/30,000", "30,000/s", "0:00:00"]),
        ([3000, 3000], True, ["6.0 kB/30.0 kB", "6.0 kB/s", "0:00:04"]),
        ([3000, 3000, -3000], False, ["3,000/30,000", "2,000/s", "0:00:14"]),
    ],
)
def test_progress_tells_the_rate_since_the_beginning_and_the_time_left(
    done: list[int], as_bytes: bool, shown: list[str]
) -> None:
    """Half a second goes by with each; large pieces that come late are no higher rate."""
    now_s = 0.0
    bar = Bar(get_time=lambda: now_s)
    bar.add_task("playing", total=30_000, as_bytes=as_bytes)
    [task] = bar.tasks
    for count in done:
        now_s += 0.5
        bar.advance(task.id, count)
    assert [column.render(task).plain for column in (Done(), Rate(), Left())] == shown


def test_the_page_names_every_option() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "backtest.md").read_text()
    options = {name for param in command.params for name in param.opts if name.startswith("--")}
    assert {name for name in options if f"`{name}" not in page} == set()


def test_nothing_is_shown_where_there_is_no_terminal(folder: Path) -> None:
    answer = run_process("backtest", str(GOLDEN / "rules.yaml"), *DATA, "--json", folder=folder)
    assert (answer.code, answer.err) == (0, "")
