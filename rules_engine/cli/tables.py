"""Rows into a table for a terminal, or plain text where there is none."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import click
from rich.console import Console
from rich.table import Table


def show(columns: Sequence[str], rows: Iterable[Sequence[str]], nothing: str) -> None:
    """Prints the rows; ``nothing`` is said when there are none."""
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*row)
    if table.row_count == 0:
        click.echo(nothing)
        return
    # Text that goes into a file or a pipe must not be cut to the width of a terminal that is not there.
    width = None if Console().is_terminal else 240
    # Cells are the user's and IB's words: brackets and colons in them mean nothing to us.
    Console(width=width, markup=False, emoji=False).print(table)


def clock(time_s: float | None) -> str:
    """A moment in the machine's zone, or nothing."""
    return "" if time_s is None else f"{datetime.fromtimestamp(time_s).astimezone():%Y-%m-%d %H:%M:%S}"
