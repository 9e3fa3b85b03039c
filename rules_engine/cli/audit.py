"""`rules audit`: does the journal balance, and is it whole?"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from rules_engine.cli import EXIT_PROBLEMS
from rules_engine.cli.engine_link import settings_of_engine
from rules_engine.cli.journal_link import ledger_of
from rules_engine.cli.rule_files import config_option, echo_json, json_option
from rules_engine.execution.ledger import FATES, Holding, Ledger, Refused


@dataclass(frozen=True, slots=True)
class Audit:
    """What the journal says when it is read from end to end."""

    fates: dict[str, int]
    refusals: tuple[Refused, ...]
    broken_event: int | None
    misfilled: tuple[str, ...]
    unbalanced: tuple[str, ...]
    holdings: tuple[Holding, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing was changed or removed, and all of it adds up."""
        return self.broken_event is None and not self.misfilled and not self.unbalanced


@click.command("audit")
@config_option
@json_option
def command(config: Path | None, as_json_: bool) -> None:
    """Count what became of every firing, and check that no event of the journal was changed or removed."""
    with ledger_of(settings_of_engine(config)) as ledger:
        found = audit(ledger)
    if as_json_:
        holdings = [asdict(one) | {"others": one.others} for one in found.holdings]
        echo_json(
            {
                "fired": sum(found.fates.values()),
                "fates": found.fates,
                "refusals": [asdict(one) for one in found.refusals],
                "broken_event": found.broken_event,
                "misfilled": list(found.misfilled),
                "unbalanced": list(found.unbalanced),
                "holdings": [{name: str(value) for name, value in one.items()} for one in holdings],
            }
        )
    else:
        for line in _lines(found):
            click.echo(line)
    if not found.is_whole:
        raise SystemExit(EXIT_PROBLEMS)


def audit(ledger: Ledger) -> Audit:
    """Reads the whole journal."""
    return Audit(
        fates=dict(ledger.fates()),
        refusals=tuple(ledger.refusals()),
        broken_event=ledger.first_broken_event(),
        misfilled=tuple(ledger.misfilled()),
        unbalanced=tuple(ledger.unbalanced()),
        holdings=tuple(ledger.holdings()),
    )


def refusal_lines(refusals: tuple[Refused, ...]) -> Iterator[str]:
    """A line for each reason: `held back 3 times: a limit would be exceeded (price_collar)`."""
    for one in refusals:
        times = "once" if one.count == 1 else f"{one.count} times"
        yield f"held back {times}: {one.reason}" + (f" ({one.limit})" if one.limit else "")


def _lines(found: Audit) -> Iterator[str]:
    words = " + ".join(f"{found.fates[fate]} {fate}" for fate in FATES if found.fates[fate])
    yield f"{sum(found.fates.values())} fired = {words}" if words else "nothing has fired"
    yield from refusal_lines(found.refusals)
    for one in found.holdings:
        others = f"; {one.others:+f} were not ours" if one.others else ""
        sums = f"{one.first:f} at first, {one.ours:+f} ours, {one.newest:f} now"
        yield f"{one.instrument} in {one.account or one.mode}: {sums}{others}"
    if found.broken_event is None:
        yield "no event was changed or removed"
    else:
        yield f"event {found.broken_event} was changed or removed"
    for key in found.misfilled:
        yield f"the fills of {key} do not add up to what it says is filled"
    for instrument in found.unbalanced:
        yield f"the orders in {instrument} do not add up to the fills that were counted as they came"
