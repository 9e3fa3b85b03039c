"""`rules demo`: every event that it promises, in order, from a process of its own."""

import json
from pathlib import Path

from tests.cli.calling import run_process

STORY = [
    *("connected", "placed", "triggered", "filled", "notified"),
    *("fired", "filled", "notified"),
    *("reloaded", "placed"),
    *("killed", "triggered", "filled", "restarted", "recovered"),
]


def test_the_whole_story_happens_in_order(folder: Path) -> None:
    answer = run_process("demo", "--json", folder=folder)
    assert answer.code == 0, answer.err
    events = [json.loads(line) for line in answer.out.splitlines()]
    assert [event["event"] for event in events] == STORY
    times = [event["t"] for event in events]
    assert times == sorted(times)
    told = {event["event"]: event for event in events}
    assert "ma-when-v-recovers" in str(told["reloaded"]["changes"])
    assert told["recovered"]["messages"] == 1
    assert list(folder.iterdir()) == []
