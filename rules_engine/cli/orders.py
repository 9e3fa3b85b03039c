"""`rules orders`: what was meant, sent and filled."""

from pathlib import Path

import click

from rules_engine.cli.engine_link import settings_of_engine
from rules_engine.cli.journal_link import ledger_of
from rules_engine.cli.rule_files import config_option, echo_json, json_option
from rules_engine.cli.tables import clock, show
from rules_engine.execution.ledger import OrderRow
from rules_engine.execution.words import order_words
from rules_engine.model.order_words import plain

COUNT = 50


@click.command("orders")
@click.argument("rule", required=False, default="")
@click.option("--open", "open_only", is_flag=True, help="Only those that are not over.")
@click.option("--count", type=click.IntRange(1), default=COUNT, show_default=True, help="How many, newest first.")
@config_option
@json_option
def command(rule: str, open_only: bool, count: int, config: Path | None, as_json_: bool) -> None:
    """Show the newest orders of RULE, or of all rules."""
    with ledger_of(settings_of_engine(config)) as ledger:
        orders = [_entry(row) for row in ledger.orders(rule=rule, open_only=open_only, count_max=count)]
    if as_json_:
        echo_json(orders)
        return
    columns = ("created", "rule", "order", "state", "filled", "average_price", "key")
    rows = ([clock(float(str(one["created_s"]))), *(str(one[name]) for name in columns[1:])] for one in orders)
    show(columns, rows, "no orders")


def _entry(row: OrderRow) -> dict[str, object]:
    intent = row.intent
    return {
        "key": intent.key,
        "rule": intent.rule,
        "order": order_words(intent.draft),
        "state": intent.state.value,
        "at_broker": intent.held,
        "filled": plain(intent.filled),
        "average_price": plain(intent.average_price) if intent.average_price is not None else "",
        "created_s": intent.created_s,
        "order_id": intent.order_id,
        "perm_id": intent.perm_id,
        "reason": intent.reason,
        "mode": row.mode,
        "account": row.account,
    }
