"""What must be true of gateway, journal and phone after everything was killed again and again."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rules_engine.execution.ledger import open_ledger
from rules_engine.notifying.letters import short_key
from tests.kill.killer import Tally
from tests.kill.town import Town

OPEN_S = 120.0
"""Longer than the pause between two audits of the engine, and than an order needs to be called unknown."""
KEY = re.compile(r"#\S+")
SHOWN = 60
"""So many letters of a message's text are in its letter, however many others it shares that with."""
NEVER_AT_IB = {"intent", "dry", "blocked", "expired"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``broken`` names each promise that was broken, with its evidence."""

    broken: tuple[str, ...]
    fates: Counter[str]
    orders: int
    fills: int
    letters: int
    copies: int
    """Letters that told something again."""

    @staticmethod
    def no_fates() -> Counter[str]:
        return Counter()


async def drain(town: Town) -> None:
    """Peace, once something was filled: nothing moves, nothing is delayed, and what is under way comes to its end."""
    assert await town.until("SELECT 1 FROM execution", OPEN_S, 0.1), "nothing was filled"
    await town.close_market()
    await town.control.do("delay_orders", delay_s=0)
    await _none_left(town, "intent WHERE state = 'sending' OR (state = 'intent' AND held = 0)")
    # A fill that is never heard of is told by the judgement.
    fills = {_base(one["execId"]) for one in await town.control.ask("executions")}
    await town.until(f"SELECT 1 WHERE (SELECT count(*) FROM execution) >= {len(fills)}", OPEN_S, 0.1)
    await _none_left(town, "outbox WHERE state IN ('waiting', 'sending')")


async def _none_left(town: Town, what: str) -> None:
    statement = f"SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM {what})"
    assert await town.until(statement, OPEN_S, 0.1), f"left over: {town.rows(f'SELECT * FROM {what}')}"


async def judge(town: Town, tally: Tally) -> Verdict:
    """Call it after the engine has ended and while the gateway lives."""
    orders = await town.control.ask("orders")
    executions = await town.control.ask("executions")
    with open_ledger(town.journal) as ledger:
        fates = Counter({str(fate): count for fate, count in ledger.fates().items()})
    audit_code, audit = await town.audit.done()
    letters = _told_and_written(town)
    extra = _copies(town)
    broken = [
        *_doubled(orders),
        *_disagreeing(town, orders),
        *_unbalanced(town, fates),
        *_fills_lost(town, executions),
        *_untold(town),
        *_out_of_order(town),
        *([f"rules audit: {audit}"] if audit_code else []),
        *([f"{extra} copies of letters after {tally.kills['engine']} kills"] if extra > tally.kills["engine"] else []),
    ]
    return Verdict(tuple(broken), fates, len(orders), len(executions), len(letters), extra)


def _doubled(orders: Iterable[Mapping[str, Any]]) -> list[str]:
    counts = Counter(order["orderRef"] for order in orders)
    return [f"{key or 'no reference'}: {count} orders" for key, count in counts.items() if count > 1 or not key]


def _disagreeing(town: Town, orders: Iterable[Mapping[str, Any]]) -> list[str]:
    """Journal and gateway on each order."""
    at_ib = {order["orderRef"]: order for order in orders}
    found = []
    journal = town.rows("SELECT key, state, side, quantity, filled, sent_s FROM intent")
    for key, state, side, quantity, filled, sent_s in journal:
        order = at_ib.pop(key, None)
        if order is None:
            if sent_s is not None and state not in ("unknown", "rejected", "cancelled", "expired"):
                found.append(f"{key} is {state}, and IB has no such order")
            continue
        if state in NEVER_AT_IB or sent_s is None:
            found.append(f"{key} is {state}, and IB has it as {order['status']}")
        if (order["action"].lower(), Decimal(str(order["quantity"]))) != (side.lower(), Decimal(quantity)):
            found.append(f"{key} is {side} {quantity}, and IB has {order['action']} {order['quantity']}")
        if Decimal(filled) != Decimal(str(order["filled"])):
            found.append(f"{key} has {filled} filled, and IB {order['filled']}")
        if state == "unknown":
            found.append(f"{key} is unknown, and IB has it as {order['status']}")
    return found + [f"{key} is at IB, and the journal does not know it" for key in at_ib]


def _unbalanced(town: Town, fates: Mapping[str, int]) -> list[str]:
    ((firings,),) = town.rows("SELECT count(*) FROM firing WHERE kind != 'armed' OR triggered_s IS NOT NULL")
    found = [] if sum(fates.values()) == firings else [f"{firings} firings came to {dict(fates)}"]
    return found + ([f"{fates['waiting']} firings still wait"] if fates["waiting"] else [])


def _fills_lost(town: Town, executions: Iterable[Mapping[str, Any]]) -> list[str]:
    known = {base for (base,) in town.rows("SELECT exec_base FROM execution")}
    return [f"fill {one['execId']} of {one['orderRef']}" for one in executions if _base(one["execId"]) not in known]


def _base(exec_id: str) -> str:
    return exec_id.rpartition(".")[0]


def _untold(town: Town) -> list[str]:
    """Every letter arrived, and every filled or unknown order has one."""
    found = [
        f"letter {number} is {state}" for number, state in town.rows("SELECT id, state FROM outbox") if state != "sent"
    ]
    found += [f"not arrived: {text!r}" for (text, _), (told, _) in _told_and_written(town).items() if not told]
    for state, kind in (("filled", "filled"), ("unknown", "unknown order")):
        told = f"SELECT key FROM outbox WHERE kind = '{kind}'"
        silent = f"SELECT key FROM intent WHERE state = '{state}' AND key NOT IN ({told})"
        found += [f"{key} is {state}, and nobody was told" for (key,) in town.rows(silent)]
    return found


def _told_and_written(town: Town) -> dict[tuple[str, str], tuple[int, int]]:
    """Of each text with its key: how often it arrived, how often it was written."""
    written = Counter(town.rows("SELECT text, key FROM outbox WHERE key != ''"))
    told = _told(town)
    return {row: (told[row], count) for row, count in written.items()}


@dataclass(frozen=True, slots=True, order=True)
class _News:
    """A message that no other is like."""

    number: int
    rule: str
    text: str


def _deliveries(town: Town) -> list[list[_News]]:
    """What each letter told, in order of arrival."""
    rows = town.rows(
        "SELECT min(id), rule, text, key FROM outbox WHERE key != '' GROUP BY text, key HAVING count(*) = 1"
    )
    by_key: dict[str, list[_News]] = {}
    for number, rule, text, key in rows:
        by_key.setdefault(short_key(key), []).append(_News(number, rule, text.strip()[:SHOWN]))
    return [
        sorted({news for key in KEY.findall(letter.text) for news in by_key.get(key, ()) if news.text in letter.text})
        for letter in town.received
    ]


def _copies(town: Town) -> int:
    """Letters with something in them that had arrived before."""
    arrived: set[int] = set()
    count = 0
    for letter in _deliveries(town):
        numbers = {news.number for news in letter}
        count += bool(numbers & arrived)
        arrived |= numbers
    return count


def _out_of_order(town: Town) -> list[str]:
    """News of a rule that came before older news of it, each counted at its first arrival."""
    newest: dict[str, int] = {}
    arrived: set[int] = set()
    found = []
    for news in (news for letter in _deliveries(town) for news in letter if news.number not in arrived):
        arrived.add(news.number)
        if newest.get(news.rule, 0) > news.number:
            found.append(f"letter {news.number} came after {newest[news.rule]}: {news.text!r}")
        newest[news.rule] = max(newest.get(news.rule, 0), news.number)
    return found


def _told(town: Town) -> Counter[tuple[str, str]]:
    """How often each text with its short key arrived, by itself or in a digest."""
    rows = set(town.rows("SELECT text, key FROM outbox WHERE key != ''"))
    by_key: dict[str, list[tuple[str, str]]] = {}
    for text, key in rows:
        by_key.setdefault(short_key(key), []).append((text, key))
    found: Counter[tuple[str, str]] = Counter()
    for letter in town.received:
        for key in set(KEY.findall(letter.text)):
            found.update(row for row in by_key.get(key, ()) if row[0].strip()[:SHOWN] in letter.text)
    return found
