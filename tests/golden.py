"""Rewrites every expected text of the suite from what the code now says: `make golden`, then read the diff."""

from collections.abc import Callable

from tests.language import bad_files
from tests.planning import test_golden as explanations

REWRITERS: tuple[Callable[[], None], ...] = (bad_files.rewrite, explanations.rewrite)
"""One function a kind of golden file; a new kind adds its own."""


def main() -> None:
    for rewrite in REWRITERS:
        rewrite()


if __name__ == "__main__":
    main()
