"""What an engine uses of the machine besides its files and its clock."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from rules_engine.broker.gateway_process import Witness, serving_process
from rules_engine.daemon.watch import watch
from rules_engine.execution.database import Database
from rules_engine.model.clock import elapsed_s
from rules_engine.notifying.courier import Courier


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The machine's own, unless somebody plays the machine.

    ``token`` makes that many random bytes as hexadecimal digits, ``database`` opens the journal's file, ``courier``
    takes messages to an Apprise URL, ``watch`` calls back whenever something in a folder changed, and ``witness`` tells
    which process is at the other end of a connection. ``elapsed_s`` counts seconds that nobody can set.
    """

    token: Callable[[int], str] = secrets.token_hex
    database: Callable[[Path], Database] = Database
    courier: Callable[[str], Courier] = Courier
    watch: Callable[[Path, Callable[[], None]], Awaitable[None]] = watch
    witness: Witness = serving_process
    elapsed_s: Callable[[], float] = elapsed_s
