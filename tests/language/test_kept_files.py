"""A file that has not changed is not read again, and what is found is what reading everything anew finds."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules_engine.language import KeptFiles, Loaded, Source, load, loading
from rules_engine.model.slices import at_once

_HEAD = "version: 1\ntimezone: UTC\n"
_FILES = (
    f"{_HEAD}rules:\n  - {{name: a, when: V > 1, do: notify phone}}\n",
    f"{_HEAD}rules:\n  - {{name: a, when: V > 2, do: notify nobody}}\n",
    f"{_HEAD}rules:\n  - {{name: b, when: V > 2, do: cancel orders of a}}\n",
    f"{_HEAD}rules:\n  - {{name: c, when: V > 2, do: cancel orders of b, expires: 2001-01-01 10:00}}\n",
    f"{_HEAD}rules:\n  - {{name: c, when: V >> 2, do: buy 1 MA}}\n",
    "version: 1\nrules: [\n",
    f"{_HEAD}instruments: {{V: {{symbol: V, type: future, exchange: CME, expiry: 2030-12}}}}\nrules:\n"
    "  - {name: d, when: V > 2, do: buy 1 MA}\n",
)
_CONTENT = st.sampled_from(_FILES)


def _read(kept: KeptFiles, files: Sequence[str], now_s: float, channels: frozenset[str]) -> Loaded:
    return at_once(loading(_sources(files), kept, channels=channels, now_s=now_s))


def _sources(files: Sequence[str]) -> list[Source]:
    return [Source(f"{number}.yaml", text.encode()) for number, text in enumerate(files)]


@given(
    st.lists(
        st.tuples(st.lists(_CONTENT, max_size=4), st.sampled_from([0.0, 2e9]), st.sampled_from(["phone", "nobody"])),
        max_size=6,
    )
)
def test_what_is_kept_changes_nothing_that_is_found(rounds: list[tuple[list[str], float, str]]) -> None:
    kept = KeptFiles()
    for files, now_s, channel in rounds:
        channels = frozenset({channel})
        assert _read(kept, files, now_s, channels) == load(_sources(files), channels=channels, now_s=now_s)


@pytest.mark.parametrize("number", [0, 2])
def test_rules_of_an_unchanged_file_are_the_same_objects(number: int) -> None:
    kept, files = KeptFiles(), [_FILES[0], _FILES[2]]
    before = _read(kept, files, 0.0, frozenset({"phone"})).rules
    files[1 - number // 2] += "# edited\n"
    after = _read(kept, files, 0.0, frozenset({"phone"})).rules
    assert [old is new for old, new in zip(before, after, strict=True)] == [number == 0, number == 2]


def test_files_that_are_gone_are_forgotten() -> None:
    kept = KeptFiles()
    before = _read(kept, [_FILES[0]], 0.0, frozenset({"phone"})).rules
    _read(kept, [], 0.0, frozenset({"phone"}))
    after = _read(kept, [_FILES[0]], 0.0, frozenset({"phone"})).rules
    assert before == after and before[0] is not after[0]


def test_a_large_file_is_read_in_many_short_slices() -> None:
    rules = "".join(f"  - {{name: r{number}, when: V > {number}.5, do: buy 1 MA}}\n" for number in range(500))
    slices = sum(1 for _ in loading(_sources([f"{_HEAD}rules:\n{rules}"]), KeptFiles(), now_s=0.0))
    assert slices > 500
