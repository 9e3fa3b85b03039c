"""Reads every hostile file in one process of its own and says what each cost: see test_hostile."""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rules_engine.language import Source, load, parse_action, parse_condition, parse_expression
from rules_engine.model.place import RulesError


def main(folder: Path) -> None:
    """One JSON line a file: its name, seconds, and the number of problems it got."""
    parse_condition("V > 200")
    for path in sorted((folder / "yaml").iterdir()):
        report(path, lambda data: len(load([Source("a.yaml", data)], now_s=0.0).problems))
    for path in sorted((folder / "expr").iterdir()):
        report(path, in_every_place)


def in_every_place(data: bytes) -> int:
    """The text as each kind of sentence, in quotes and plain in a file."""
    text = data.decode("utf-8", "replace")
    refused = 0
    for parse in (parse_condition, parse_expression, parse_action):
        try:
            parse(text)
        except RulesError as error:
            refused += len(error.problems)
    for written in (text, json.dumps(text)):
        file = f"version: 1\nrules:\n  - name: a\n    when: {written}\n    do: buy 1 MA\n    let: {{x: {written}}}\n"
        refused += len(load([Source("a.yaml", file.encode())], now_s=0.0).problems)
    return refused


def report(path: Path, read: Callable[[bytes], int]) -> None:
    """Reads the file and prints what it took."""
    started = time.process_time()
    problems = read(path.read_bytes())
    print(json.dumps({"name": path.name, "seconds": time.process_time() - started, "problems": problems}))


def memory_max_kb() -> int:
    """The most that this process had at once. Linux hands `ru_maxrss` of the starting process on to the started one."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    print(json.dumps({"name": "memory", "kilobytes": memory_max_kb()}))
