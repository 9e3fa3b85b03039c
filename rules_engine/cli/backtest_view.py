"""What a backtest found, as tables for people and as one JSON object for programs."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite

from rich.console import Console
from rich.table import Table

from rules_engine.model.expression import spell_number
from rules_engine.replay.orders import Order
from rules_engine.replay.summary import Summary

ORDERS_SHOWN = 20
_PLAIN = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_WIDTH = 160
"""Text that goes into a file or a pipe is not cut to the width of a terminal that is not there."""


def show_summary(summary: Summary, *, err: bool = False) -> None:
    """Prints the period, the rules, the first orders, the result and what was assumed."""
    console = _console(err=err)
    console.print(_period(summary))
    for table in (_rules(summary), _orders(summary)):
        if table.row_count:
            console.print()
            console.print(table)
    left = summary.orders_sent - ORDERS_SHOWN
    if left > 0:
        console.print(f"and {left:,} more orders")
    console.print()
    console.print(_result(summary))
    _assumed(console, summary)


def _console(*, err: bool = False) -> Console:
    console = Console(stderr=err, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH
    return console


def _assumed(console: Console, summary: Summary) -> None:
    console.print("\nassumed:")
    for line in summary.assumptions:
        console.print(f"  {line}")
    for warning in summary.warnings:
        console.print(f"warning: {warning}")


def show_sweep(variants: Sequence[Mapping[str, str]], summaries: Sequence[Summary], *, err: bool = False) -> None:
    """One line a variant, with the same measures as a single backtest; then the assumptions and warnings of all."""
    console = _console(err=err)
    console.print(_period(summaries[0]))
    table = Table(box=None, pad_edge=False, header_style="bold")
    measures = (
        "firings",
        "orders",
        "filled",
        "profit",
        "commission",
        "drawdown",
        "",
        "Sharpe",
        "exposure",
        "most held",
    )
    for column in (*variants[0], *measures):
        table.add_column(column.removeprefix("rules."), justify="right")
    for values, summary in zip(variants, summaries, strict=True):
        counts = (summary.firings, summary.orders_sent, summary.filled)
        money = (f"{summary.profit:+,.2f}", f"{summary.commission:,.2f}", f"{summary.drawdown:,.2f}")
        shares = (f"{summary.drawdown_share:.2%}", _sharpe(summary), f"{summary.exposure:.1%}")
        figures = (*(f"{count:,}" for count in counts), *money, *shares, f"{summary.gross_max:,.2f}")
        table.add_row(*values.values(), *figures)
    console.print()
    console.print(table)
    _assumed(console, summaries[0])


def variant_json(values: Mapping[str, str], summary: Summary) -> dict[str, object]:
    """One variant's measures; numbers of the sweep as numbers where they have no unit."""
    spelled = {name: json.loads(value) if _PLAIN.fullmatch(value) else value for name, value in values.items()}
    return {"values": spelled, **_measures(summary)}


def summary_json(summary: Summary) -> dict[str, object]:
    """The same, with every order that was kept; times in ISO 8601, UTC."""
    return {
        **_measures(summary),
        "rules": [
            {
                "rule": result.rule,
                "firings": result.firings,
                "held_back": result.held_back,
                "not_sent": result.not_sent,
                "orders": result.orders,
                "filled": result.filled,
                "commission": _figure(result.commission, 6),
                "profit": _figure(result.profit, 6),
            }
            for result in summary.rules
        ],
        "orders": [
            {
                "rule": order.intent.rule,
                "at": _utc(order.intent.created_s),
                "order": order.words(),
                "end": str(order.end),
                "filled_at": None if order.filled_s is None else _utc(order.filled_s),
                "price": _figure(order.price, 9),
                "commission": _figure(order.commission, 6),
            }
            for order in summary.orders
        ],
        "orders_left_out": summary.orders_left_out,
        "assumptions": list(summary.assumptions),
        "warnings": list(summary.warnings),
    }


def _measures(summary: Summary) -> dict[str, object]:
    return {
        "from": None if summary.first_s is None else _utc(summary.first_s),
        "to": None if summary.first_s is None else _utc(summary.last_s),
        "rows": summary.rows,
        "firings": summary.firings,
        "orders_sent": summary.orders_sent,
        "filled": summary.filled,
        "capital": summary.capital,
        "equity": _figure(summary.equity, 6),
        "profit": _figure(summary.profit, 6),
        "commission": _figure(summary.commission, 6),
        "drawdown": _figure(summary.drawdown, 6),
        "drawdown_share": _figure(summary.drawdown_share, 9),
        "sharpe": _figure(summary.sharpe, 9),
        "days": summary.days,
        "exposure": _figure(summary.exposure, 9),
        "gross_max": _figure(summary.gross_max, 6),
    }


def _figure(value: float | None, places: int) -> float | None:
    """JSON has no word for what is beyond all numbers."""
    return None if value is None or not isfinite(value) else round(value, places)


def _period(summary: Summary) -> str:
    if summary.first_s is None:
        return "no prices"
    return f"{_moment(summary.first_s)} to {_moment(summary.last_s)} UTC, {summary.rows:,} prices, {summary.days} days"


def _rules(summary: Summary) -> Table:
    table = Table("rule", box=None, pad_edge=False, header_style="bold")
    for column in ("firings", "held back", "not sent", "orders", "filled", "commission", "profit"):
        table.add_column(column, justify="right")
    table.add_column("because")
    for result in summary.rules:
        reasons = (*result.held_back.items(), *result.not_sent.items())
        held_back, not_sent = sum(result.held_back.values()), sum(result.not_sent.values())
        counts = (result.firings, held_back, not_sent, result.orders, result.filled)
        why = "; ".join(f"{reason} ({count})" for reason, count in reasons)
        figures = (*(f"{count:,}" for count in counts), f"{result.commission:,.2f}", f"{result.profit:+,.2f}")
        table.add_row(result.rule, *figures, why)
    return table


def _orders(summary: Summary) -> Table:
    table = Table("at (UTC)", "rule", "order", "state", box=None, pad_edge=False, header_style="bold")
    table.add_column("price", justify="right")
    for order in summary.orders[:ORDERS_SHOWN]:
        price = "" if order.price is None else spell_number(round(order.price, 6))
        table.add_row(_moment(order.intent.created_s), order.intent.rule, order.words(), _state(order), price)
    return table


def _state(order: Order) -> str:
    return str(order.end) if order.filled_s is None else f"{order.end} {_moment(order.filled_s)}"


def _result(summary: Summary) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right")
    share = summary.profit / summary.capital
    looks = "every five minutes" if summary.is_stepwise else "price by price"
    rows = (
        ("profit", f"{summary.profit:+,.2f}", f"{share:+.2%} of {summary.capital:,.0f}, commissions taken off"),
        ("commission", f"{summary.commission:,.2f}", ""),
        ("drawdown", f"{summary.drawdown:,.2f}", f"{summary.drawdown_share:.2%} of the peak, {looks}"),
        ("Sharpe", _sharpe(summary), "mean over deviation of daily returns, times the root of 252; no interest"),
        ("exposure", f"{summary.exposure:.1%}", "of the time something was held"),
        ("most held", f"{summary.gross_max:,.2f}", f"worth, long and short added, {looks}"),
    )
    for row in rows:
        table.add_row(*row)
    return table


def _sharpe(summary: Summary) -> str:
    return "-" if summary.sharpe is None else f"{summary.sharpe:.2f}"


def _utc(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")


def _moment(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S}"
