"""What is long each time is found, whatever else is wrong is found at once, and what is long by chance is not."""

from pathlib import Path

import pytest

from tests.daemon.holding_up import ATTEMPTS, HeldUp, each_time, none_is_long


@pytest.mark.parametrize("long_times", range(ATTEMPTS + 1))
async def test_what_is_long_each_time_and_nothing_else_holds_the_loop_up(tmp_path: Path, long_times: int) -> None:
    homes = list[Path]()

    @each_time
    async def played(tmp_path: Path) -> None:
        homes.append(tmp_path)
        none_is_long({"this": 0.3 if len(homes) <= long_times else 0.2, "that": 0.1}, 0.25, 1.0)

    if long_times == ATTEMPTS:
        with pytest.raises(HeldUp, match=r"{'this': '300 ms'} of 1\.0 s"):
            await played(tmp_path=tmp_path)
    else:
        await played(tmp_path=tmp_path)
    assert len(homes) == min(long_times + 1, ATTEMPTS)
    assert len({*homes}) == len(homes) and all(home.is_dir() for home in homes)


async def test_what_is_wrong_otherwise_is_not_tried_again(tmp_path: Path) -> None:
    times = list[int]()

    @each_time
    async def played(tmp_path: Path) -> None:
        times.append(1)
        raise AssertionError

    with pytest.raises(AssertionError):
        await played(tmp_path=tmp_path)
    assert times == [1]
