"""`rules audit` on a journal of a million events: 125,000 orders, each with its reports and fills.

`python -m benchmarks.audit [EVENTS]` builds such a journal in a temporary folder and prints what reading it takes.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from rules_engine.execution.chain import Chain
from rules_engine.execution.database import Database
from rules_engine.execution.ledger import open_ledger
from rules_engine.execution.plain import to_text
from rules_engine.model.action import Duration, Side, TimeInForce
from rules_engine.model.instrument import us_stock
from rules_engine.model.order import OrderDraft, OrderKind
from rules_engine.model.reports import BrokerStatus, ExecutionReport, OrderReport

EVENTS = 1_000_000
EVENTS_AN_ORDER = 8
_START_S = 1_900_000_000.0
_DRAFT = to_text(
    OrderDraft(us_stock("MA"), Side.BUY, Decimal(100), OrderKind.MARKET, TimeInForce(Duration.DAY)),
)


def build(path: Path, events: int) -> None:
    """A journal as an engine writes it: firing, sending, four reports and two fills for each order."""
    database = Database(path)
    chain = Chain(database)
    try:
        with database.transaction():
            for number in range(1, events // EVENTS_AN_ORDER + 1):
                _order(database, number)
                for kind, data in _happened(number):
                    chain.append(f"re1.ab12.c3d.deadbeef.{number}.0", _START_S + number, kind, data)
            database.execute(
                "INSERT INTO holding VALUES ('paper', 'DU1', 'MA', ?, '0', ?)",
                *[str(events // EVENTS_AN_ORDER * 100)] * 2,
            )
    finally:
        database.close()


def report(events: int = EVENTS) -> str:
    """Seconds of processor time for each part of an audit, and for all of it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        build(path, events)
        size_mb = path.stat().st_size / 1e6
        with open_ledger(path) as ledger:
            parts: dict[str, Callable[[], object]] = {
                "the record of events": ledger.first_broken_event,
                "what became of each firing": ledger.fates,
                "what was held back": ledger.refusals,
                "fills of each order": ledger.misfilled,
                "orders of each instrument": ledger.unbalanced,
                "positions": ledger.holdings,
            }
            took_s = {name: _best_s(part) for name, part in parts.items()}
    lines = [f"{events:,} events, {events // EVENTS_AN_ORDER:,} orders, {size_mb:.0f} MB"]
    lines += [f"  {name:28} {one_s:6.3f} s" for name, one_s in took_s.items()]
    return "\n".join([*lines, f"  {'all':28} {sum(took_s.values()):6.3f} s"])


def _best_s(part: Callable[[], object]) -> float:
    took = []
    for _ in range(3):
        before_s = time.process_time()
        part()
        took.append(time.process_time() - before_s)
    return min(took)


def _order(database: Database, number: int) -> None:
    key, rule = f"re1.ab12.c3d.deadbeef.{number}.0", f"rule {number % 200}"
    at_s = _START_S + number
    database.execute(
        "INSERT INTO firing (id, rule, seq, mode, account, kind, case_index, at_s, digest, reason, detail, values_json,"
        " actions_json, channels_json, ended_s, used, settled) VALUES (?, ?, ?, 'paper', 'DU1', ?, 0, ?, 'd', ?, ?,"
        " '{\"V\": 200.01}', '[\"buy 100 MA at market\"]', '[\"phone\"]', ?, 1, 1)",
        *(number, rule, number, "fired", at_s, "", "", at_s),
    )
    database.execute(
        "INSERT INTO intent (key, firing_id, rule, seq, leg, mode, account, instrument, side, quantity, draft_json,"
        " held, created_s, state, order_id, perm_id, gateway_mark, sent_s, filled, average_price, updated_s)"
        " VALUES (?, ?, ?, ?, 0, 'paper', 'DU1', 'MA', 'buy', '100', ?, 0, ?, 'filled', ?, ?, 'm', ?, '100', '400', ?)",
        *(key, number, rule, number, _DRAFT, at_s, number, 9000 + number, at_s, at_s),
    )
    for part in ("60", "40"):
        database.execute(
            "INSERT INTO execution VALUES (?, '01', ?, ?, ?, '400', ?)",
            f"0000e.{number}.{part}",
            key,
            9000 + number,
            part,
            at_s,
        )


def _happened(number: int) -> list[tuple[str, str]]:
    key = f"re1.ab12.c3d.deadbeef.{number}.0"
    seen = OrderReport(key, 9000 + number, number, 17, BrokerStatus.WORKING, Decimal(0), Decimal(100), None)
    fill = ExecutionReport(
        *(f"0000e.{number}.60.01", key, 9000 + number, number, 17, "MA", 7, "buy", Decimal(60), Decimal(400), _START_S),
    )
    short = to_text({"reason": "", "legs": 1}), to_text({"order_id": number, "mark": "127.0.0.1:7497"})
    return [
        *(("fired", short[0]), ("sending", short[1])),
        *(("report", to_text(seen)) for _ in range(4)),
        *(("fill", to_text(fill)) for _ in range(2)),
    ]


if __name__ == "__main__":
    print(report(*map(int, sys.argv[1:2])))
