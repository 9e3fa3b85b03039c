"""What `rules explain --json` says of an order is what the broker sends, field by field."""

from pathlib import Path

import pytest

from rules_engine.broker.library import Contract
from rules_engine.broker.orders import Ticket, ib_order
from rules_engine.language import Source, load
from rules_engine.model.instrument import Instrument
from rules_engine.planning import plan
from rules_engine.planning.ib_words import SECURITY_TYPES, Fields, spelled_unit

FILES = sorted((Path(__file__).parent.parent / "planning" / "golden").glob("*.yaml"))
LEFT_OUT = {"ocaGroup", "parentId", "transmit", "symbol"}
"""What depends on the unit's place in the session, and a condition's symbol, which is for the reader."""
LIBRARY_NAMES = {"exchange": "exch"}
"""Where the library does not spell a condition's field as IB does."""


def contract_of(instrument: Instrument) -> Contract:
    kind = SECURITY_TYPES[instrument.kind]
    return Contract(symbol=instrument.symbol, secType=kind, exchange=instrument.exchange)


def sent(of: object, fields: Fields) -> Fields:
    """The same fields as the library has them; what it leaves unset is None."""
    values = {name: getattr(of, LIBRARY_NAMES.get(name, name)) for name in said(fields)}
    return {name: None if isinstance(value, float) and value > 1e300 else value for name, value in values.items()}


def said(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name not in LEFT_OUT}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_explained_order_is_the_one_that_is_sent(path: Path) -> None:
    loaded = load([Source(path.name, path.read_bytes())], now_s=0.0)
    for rule in loaded.rules:
        for case in plan(rule).held:
            for leg, spelled in zip(case.unit, spelled_unit(case.unit), strict=True):
                order = ib_order(leg, Ticket(1, "key", "DU1", group=leg.group), contract_of)
                assert sent(order, spelled.order) == said(spelled.order)
                for condition, fields in zip(order.conditions, spelled.conditions, strict=True):
                    assert sent(condition, fields) == said(fields)
