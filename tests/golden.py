"""Rewrites every expected text of the suite from what the code now says: `make golden`, then read the diff."""

from collections.abc import Callable

from tests.cli import test_backtest as backtests
from tests.language import bad_files
from tests.planning import test_golden as explanations
from tests.recordings import test_csv as recordings

REWRITERS: tuple[Callable[[], None], ...] = (
    bad_files.rewrite,
    explanations.rewrite,
    recordings.rewrite,
    backtests.rewrite,
)
"""One function a kind of golden file; a new kind adds its own."""


def main() -> None:
    for rewrite in REWRITERS:
        rewrite()


if __name__ == "__main__":
    main()
