"""Texts written to break a reader: each is a located problem or is accepted, quickly and in little memory."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rules_engine.language import Source, load, parse_condition, parse_expression
from rules_engine.model.expression import Named
from rules_engine.model.place import RulesError

ROOT = Path(__file__).parent.parent.parent
SECONDS_MAX = 1.0
MEMORY_MAX_KB = 200_000


def hostile_folder() -> Path:
    """The corpus beside the checkout, or beside the folder of recorded data."""
    data = os.environ.get("RULES_DATA")
    return Path(data).parent / "hostile" if data else ROOT.parent / "shared" / "hostile"


def test_the_corpus_is_read_without_a_traceback_in_bounded_time_and_memory() -> None:
    folder = hostile_folder()
    if not folder.is_dir():
        pytest.skip(f"the corpus of hostile files is not at {folder}")
    child = subprocess.run(
        [sys.executable, "-m", "tests.language.hostile_child", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == 0, child.stderr[-2_000:]
    *files, memory = map(json.loads, child.stdout.splitlines())
    assert len(files) > 50
    assert [file for file in files if file["seconds"] > SECONDS_MAX] == []
    assert memory["kilobytes"] < MEMORY_MAX_KB


@pytest.mark.parametrize(
    "text",
    [
        "().__class__.__bases__[0].__subclasses__()",
        "9**9**9 > 1",
        "V.__class__ > 1",
        "f'{V}' > 1",
        "(lambda: 1)() > 1",
        "__import__('os').system('true') > 1",
        "V\x00 > 1",
        "Ｖ > 1",
        "1e999 < V",
        "V if V else V > 1",
        "[V for V in V] > 1",
        "V > 1; V > 2",
        "V := 5 > 1",
        "not " * 40 + "V > 1",
        "-" * 900 + "V > 1",
        "(" * 450 + "V > 1" + ")" * 450,
        "V > " + "9" * 400,
    ],
)
def test_no_sentence_reaches_beyond_the_language(text: str) -> None:
    with pytest.raises(RulesError) as refused:
        parse_condition(text)
    assert all(problem.place.column >= 1 and problem.code.startswith("R") for problem in refused.value.problems)


PIECES = (
    "-",
    "1+",
    "(",
    "[",
    "{",
    "V ",
    "a: ",
    "- ",
    "\\",
    "é",
    "9",
    "_9a",
    "x://",
    "1:",
    "\x07",
    "\t\n",
    "\ta\n",
    "1, ",
)


@pytest.mark.parametrize("piece", PIECES)
def test_length_alone_costs_little(piece: str) -> None:
    """Found by a line of minus signs that took twenty seconds to quote, and a file of bells that took a minute."""
    body = piece * (200_000 // len(piece.encode()))
    started = time.process_time()
    load([Source("a.yaml", f"version: 1\nrules:\n  - name: a\n    when: {body}\n".encode())], now_s=0.0)
    load([Source("a.yaml", f"version: 1\nrules: {json.dumps(body)}\n".encode())], now_s=0.0)
    load([Source("a.yaml", f"version: 1\nrules: [{body}]\n".encode())], now_s=0.0)
    load([Source("a.yaml", body.encode())], now_s=0.0)
    assert time.process_time() - started < 4 * SECONDS_MAX


@pytest.mark.parametrize(
    "line",
    [
        "k{}: 1",
        "a: 1",
        " - {{name: r{}, when: V > 1, do: buy 1 V, colour: 1}}",
        " - {{name: r{}, when: v > 1, do: sel}}",
    ],
)
def test_many_mistakes_cost_little(line: str) -> None:
    body = "\n".join(line.format(at) for at in range(1_000))
    started = time.process_time()
    problems = load([Source("a.yaml", f"version: 1\nrules:\n{body}\n".encode())], now_s=0.0).problems
    assert time.process_time() - started < 4 * SECONDS_MAX
    assert 1 < len(problems) <= 51


WORST = (
    " or ".join(["V>1"] * 61) + " )",
    " or ".join(["V>1"] * 61) + " or",
    " or ".join(["V>1"] * 61) + " or vfoo",
    " or ".join(["V.f>1"] * 61),
    " or ".join(["v>1a"] * 61),
    " or ".join(["1<1+1"] * 40),
    " or ".join(["V<1/named"] * 40),
    " or ".join(["V.change_today<named"] * 60),
    "V > " + "+".join(["V"] * 120),
    "V > " + "max(V," * 31 + "V" + ",1)" * 31,
    " or ".join(["V>1"] * 240),
    "V > " + "+" * 240 + "1",
    "a" * 1_000,
    "V > 9" + "9." * 400,
)


@pytest.mark.parametrize("text", WORST, ids=lambda text: f"{text[:9]}...{text[-9:]}")
def test_no_sentence_takes_long_however_it_is_made(text: str) -> None:
    """About 7 ms each where they were collected. Found by a bracket too many after 250 words, which took 100 ms."""
    lets = {"named": Named("named", parse_expression("+".join(["1"] * 9)))}
    taken_s = []
    for attempt in range(3):
        started = time.process_time()
        with contextlib.suppress(RulesError):
            parse_condition(f"{text}{' ' * attempt}", lets=lets)
        taken_s.append(time.process_time() - started)
    assert min(taken_s) < SECONDS_MAX / 20


def test_what_names_stand_for_is_bounded_in_every_sentence() -> None:
    """Found by a sentence of 140 names for 800 numbers each, which took three seconds."""
    lets = {"named": Named("named", parse_expression("+".join(["1"] * 30)))}
    assert parse_condition("V < " + "+".join(["named"] * 10), lets=lets)
    with pytest.raises(RulesError) as refused:
        parse_condition("V < " + "+".join(["named"] * 100), lets=lets)
    assert [problem.code for problem in refused.value.problems] == ["R205"]


def test_names_that_stand_for_names_cannot_grow_without_bound() -> None:
    lets = ", ".join(f"n{at}: n{at - 1} * n{at - 1}" for at in range(1, 60))
    text = f"version: 1\nrules: [{{name: a, when: n59 > 1, do: buy 1 V, let: {{n0: V, {lets}}}}}]"
    assert {str(problem.code) for problem in load([Source("a.yaml", text.encode())], now_s=0.0).problems} == {"R205"}
