"""The journal read beside a running engine, or without one."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from rules_engine.cli import EXIT_UNREACHABLE
from rules_engine.cli.engine_link import state_of
from rules_engine.execution.database import JournalFailed
from rules_engine.execution.ledger import Ledger, open_ledger
from rules_engine.model.settings import Settings


@contextmanager
def ledger_of(settings: Settings) -> Iterator[Ledger]:
    """The ledger of the configured state folder; ends the program in words when there is none."""
    path = state_of(settings).journal
    try:
        with open_ledger(path) as ledger:
            yield ledger
    except JournalFailed as error:
        click.echo(f"{error}; has `rules run` been started here?", err=True)
        raise SystemExit(EXIT_UNREACHABLE) from error
