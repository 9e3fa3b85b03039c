"""The demo on a terminal: market, orders at the broker and messages, as they change."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from rules_engine.cli.demo_play import DemoEvent, scene_price
from rules_engine.cli.demo_stage import Stage

_MARKS = {
    "connected": "green",
    "placed": "cyan",
    "triggered": "yellow",
    "filled": "bold green",
    "fired": "yellow",
    "notified": "magenta",
    "reloaded": "blue",
    "killed": "bold red",
    "restarted": "green",
    "recovered": "bold green",
}


def draw(scene: Stage, events: list[tuple[float, DemoEvent]], elapsed_s: float) -> RenderableType:
    """One picture of the whole demo; ``events`` are those so far with their times since the start in seconds."""
    return Group(
        Panel(_market(scene), title=f"SIMULATED market, {elapsed_s:4.1f} s", title_align="left", border_style="dim"),
        Panel(_orders(scene), title="orders at the broker", title_align="left", border_style="dim"),
        Panel(_story(events), title="what happened", title_align="left", border_style="dim"),
    )


def line(at_s: float, event: DemoEvent) -> Text:
    """One event as a line of text."""
    text = Text(f"{at_s:5.1f}s  ", style="dim")
    text.append(f"{event.event:<10}", style=_MARKS[event.event])
    text.append(f" {event.text}", style="default")
    changes = event.details.get("changes")
    for change in changes if isinstance(changes, list) else ():
        text.append(f"\n{'':18}{change}", style="dim")
    return text


def _market(scene: Stage) -> RenderableType:
    text = Text()
    for symbol in ("V", "MA"):
        text.append(f"{symbol} ", style="bold")
        text.append(f"{scene_price(scene, symbol):8.2f}    ")
    return text


def _orders(scene: Stage) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for order in scene.gateway.orders:
        what = f"{order.form.action} {order.form.totalQuantity:g} {order.contract.symbol}"
        held = "waits for its condition" if order.form.conditions and not order.elected else ""
        price = f"at {order.avgFillPrice:.2f}" if order.filled else held
        table.add_row(what, str(order.status), price, Text(order.form.orderRef, style="dim"))
    return table if table.row_count else Text("none", style="dim")


def _story(events: list[tuple[float, DemoEvent]]) -> RenderableType:
    return Text("\n").join(line(at_s, event) for at_s, event in events) if events else Text("starting", style="dim")
