"""The command as a whole: help, version, usage, colour, and what it does not import."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from rules_engine import __version__
from rules_engine.cli.group import COMMANDS
from tests.cli.calling import COMMAND, DEADLINE_S, call, run_process
from tests.cli.written import BAD, GOOD, NOTIFIES, TESTS, write_config, write_rules


def on_a_terminal(folder: Path, *words: str, **environment: str) -> str:
    """What a process writes that believes that it has a terminal."""
    ours, theirs = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    try:
        subprocess.run(
            [*COMMAND, *words],
            cwd=folder,
            env={**inherited, "TERM": "xterm", **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            timeout=DEADLINE_S,
            check=False,
        )
        return os.read(ours, 1 << 16).decode()
    finally:
        os.close(theirs)
        os.close(ours)


def test_the_module_and_the_command_are_the_same(folder: Path) -> None:
    script = Path(sys.executable).with_name("rules")
    by_script = subprocess.run([script, "--version"], capture_output=True, text=True, timeout=DEADLINE_S, check=True)
    assert run_process("--version", folder=folder).out == by_script.stdout == f"rules, version {__version__}\n"


def test_help_lists_every_command() -> None:
    answer = call("--help")
    assert answer.code == 0
    assert all(f"\n  {name} " in answer.out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(folder: Path, name: str) -> None:
    # ib_insync wants the event loop of a fresh process when it is imported.
    answer = run_process(name, "-h", folder=folder) if name in {"run", "demo"} else call(name, "-h")
    assert answer.code == 0
    assert answer.out.startswith(f"Usage: rules {name}")


@pytest.mark.parametrize(
    "words", [(), ("chekc",), ("check", "--colour"), ("explain",), ("rearm",), ("resolve", "key", "perhaps")]
)
def test_a_wrong_call_is_answered_with_usage_and_exit_code_2(words: tuple[str, ...]) -> None:
    answer = call(*words)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("Usage: rules")


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_problems_are_coloured_on_a_terminal_only_and_never_against_the_user(
    folder: Path, environment: dict[str, str], coloured: bool
) -> None:
    path = write_rules(folder, BAD)
    shown = on_a_terminal(folder, "check", path, **environment)
    assert "error[R201]" in shown
    assert ("\x1b[" in shown) is coloured
    assert "\x1b[" not in run_process("check", path, folder=folder).out


@pytest.mark.parametrize("name", ["check", "explain", "test"])
def test_commands_that_only_read_rules_start_without_what_the_engine_needs(name: str) -> None:
    program = (
        f"import sys; import rules_engine.cli.{name};"
        "print({'ib_insync', 'ib_async', 'apprise', 'pandas', 'numpy', 'rich', 'watchfiles', 'sqlite3', 'asyncio'}"
        " & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_kill_switch_is_pulled_before_anything_that_talks_to_ib_is_imported() -> None:
    program = (
        "import sys; import rules_engine.cli.stop;"
        "print({'ib_insync', 'ib_async', 'apprise', 'pandas', 'numpy', 'jsonschema', 'sqlite3'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_whole_process_ends_with_the_exit_code_and_the_output_of_its_command(folder: Path) -> None:
    sound, broken = write_rules(folder, GOOD), write_rules(folder, BAD, "broken.yaml")
    for words in (("check", sound), ("check", broken), ("check", "--json", broken), ("chekc",)):
        assert run_process(*words, folder=folder) == call(*words)


TESTED = GOOD + TESTS + "      - at 2s: buy 100 MA\n"
IMPORTED_FOR = {
    "rules_engine.language.tape_nodes": TESTED,
    "rules_engine.model.rule_test": TESTED,
    "rules_engine.language.message": GOOD + "    message: '{rule} at {price}'\n",
    "rules_engine.model.template": NOTIFIES,
    "rules_engine.planning": GOOD + "    run: at broker\n",
}
"""Modules that a check of plain rules does without, and rules whose check needs them."""


@pytest.mark.parametrize("module", IMPORTED_FOR)
def test_a_check_imports_only_what_its_rules_need(folder: Path, module: str) -> None:
    assert module not in imported_by_check(folder, GOOD)
    assert module in imported_by_check(folder, IMPORTED_FOR[module])


@pytest.mark.parametrize("module", ["rules_engine.language.settings_file", "rules_engine.model.settings"])
def test_a_check_without_settings_does_not_import_their_reader(folder: Path, module: str) -> None:
    assert module not in imported_by_check(folder, GOOD)
    write_config(folder, "mode: dry\n")
    assert module in imported_by_check(folder, GOOD)


def imported_by_check(folder: Path, text: str) -> list[str]:
    """The modules that a process has imported by the time it has checked the text."""
    program = (
        "import sys; from rules_engine.cli import main\n"
        f"sys.argv = ['rules', 'check', {write_rules(folder, text)!r}]\n"
        "try:\n    main()\nfinally:\n    print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    return done.stderr.split()
