"""`rules demo`: from a sentence to an order and a message, on real parts, in half a minute."""

import asyncio
import contextlib
import json
from collections.abc import Callable

import click
from rich.console import Console
from rich.live import Live

from rules_engine.cli import EXIT_PROBLEMS
from rules_engine.cli.demo_play import DemoEvent, play
from rules_engine.cli.demo_stage import DemoFailed, Stage, stage
from rules_engine.cli.demo_view import draw, line

_REDRAW_S = 0.1


@click.command("demo")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(as_json: bool) -> None:
    """Show the whole path on the embedded gateway; exit 0 only if every step really happened."""
    try:
        asyncio.run(_demo(as_json))
    except DemoFailed as failure:
        click.echo(f"the demo failed: {failure}", err=True)
        raise SystemExit(EXIT_PROBLEMS) from failure


async def _demo(as_json: bool) -> None:
    async with stage() as scene:
        story = _Story()
        console = Console()
        try:
            if as_json:
                await play(scene, story.teller(lambda at_s, event: click.echo(_json(at_s, event))))
            elif console.is_terminal:
                await _live(scene, story, console)
            else:
                await play(scene, story.teller(lambda at_s, event: console.print(line(at_s, event), soft_wrap=True)))
        except DemoFailed as failure:
            raise DemoFailed(f"{failure}\n{scene.output()}") from failure


async def _live(scene: Stage, story: "_Story", console: Console) -> None:
    with Live(console=console, auto_refresh=False) as live:

        async def redraw() -> None:
            while True:
                live.update(draw(scene, story.events, story.elapsed_s()), refresh=True)
                await asyncio.sleep(_REDRAW_S)

        drawing = asyncio.create_task(redraw())
        try:
            await play(scene, story.teller(lambda at_s, event: None))
        finally:
            drawing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await drawing
            live.update(draw(scene, story.events, story.elapsed_s()), refresh=True)


class _Story:
    """What happened so far, with the seconds since the start."""

    def __init__(self) -> None:
        self.events: list[tuple[float, DemoEvent]] = []
        self._loop = asyncio.get_running_loop()
        self._start_s = self._loop.time()

    def elapsed_s(self) -> float:
        return self._loop.time() - self._start_s

    def teller(self, show: Callable[[float, DemoEvent], None]) -> Callable[[DemoEvent], None]:
        def tell(event: DemoEvent) -> None:
            self.events.append((self.elapsed_s(), event))
            show(*self.events[-1])

        return tell


def _json(at_s: float, event: DemoEvent) -> str:
    return json.dumps({"t": round(at_s, 3), "event": event.event, "text": event.text, **event.details})
