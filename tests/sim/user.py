"""Somebody at the keyboard: stops and lifts, edits rules well and badly, pauses, looks into what is unknown."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from random import Random

from rules_engine.model.json_value import Json
from tests.sim.house import House

EDITS = (
    ("cooldown: 1m}", "cooldown: 90s}"),
    ("do: buy 100 MA", "do: buy 80 MA"),
    ("V crosses above 200.5", "V crosses above 200.4"),
    ("sell 4 MA at limit 398", "sell 4 MA at limit 397.5"),
    ("MA moves up 0.4% in 2m", "MA moves up 0.35% in 3m"),
    ("V crosses above 200.2", "V crosses above 200.3"),
)
"""Each says the same otherwise, there and back."""
_LEFT_OUT = ("held-at-ib", "cleans", "tells")
SPOILED_S = (1.0, 45.0)
STOPPED_S = (2.0, 90.0)
RESCAN_S = 10.0


class User:
    """Acts at moments of its own until the time is over; what it began is brought to an end."""

    def __init__(self, house: House, text: str, random: Random) -> None:
        self._house = house
        self._blocks = _blocks(text)
        self._random = random
        self._names = [name for name in self._blocks if name]
        self._edited: set[int] = set()
        self._absent: set[str] = set()
        self.deeds = 0

    async def act(self, per_hour: float, until_s: float) -> None:
        """Does something now and then, one thing at a time."""
        loop, random = asyncio.get_running_loop(), self._random
        while per_hour:
            pause_s = random.expovariate(per_hour / 3600)
            if loop.time() + pause_s >= until_s:
                return
            await asyncio.sleep(pause_s)
            deed = random.choices([deed for deed, _ in _DEEDS], [weight for _, weight in _DEEDS])[0]
            self._house.say(f"user: {deed.__name__.removeprefix('_')}")
            self.deeds += 1
            await deed(self)

    async def tidy_up(self) -> None:
        """Leaves nothing stopped, paused or halted behind."""
        await self._house.lift()
        await self._house.ask("resume")
        await self._look_into_halts()

    async def _stop(self) -> None:
        await self._house.stop_trading()
        await asyncio.sleep(self._random.uniform(*STOPPED_S))
        await self._house.lift()

    async def _pause(self) -> None:
        name = self._random.choice(self._names)
        answer = await self._house.ask("pause", rule=name)
        if isinstance(answer, dict) and answer["ok"]:
            self._house.gate.called_off(name)
        await asyncio.sleep(self._random.uniform(*STOPPED_S))
        await self._house.ask("resume", rule=name)

    async def _edit(self) -> None:
        if self._random.random() < 0.3:
            self._absent ^= {self._random.choice(_LEFT_OUT)}
        else:
            self._edited ^= {self._random.randrange(len(EDITS))}
        self._house.write_rules(self._text())
        if self._random.random() < 0.5:
            await self._house.ask("reload")
        else:
            await asyncio.sleep(RESCAN_S + 1.0)

    async def _spoil(self) -> None:
        """A file saved halfway, emptied, filled with noise or taken away, and later put right."""
        whole = self._text().encode()
        half = whole[: self._random.randrange(len(whole) - 40)]
        spoiled = self._random.choice((half, b"", None, b"rules: [", b"\xff\xfe" + half, whole + b"  - {name: x}\n"))
        is_whole = self._house.save_rules(spoiled)  # Cut between two rules, it is.
        if self._random.random() < 0.5:
            answer = await self._house.ask("reload")
            if isinstance(answer, dict) and answer["ok"] is not is_whole:
                self._house.checks.broken("what is no set of rules is refused", repr(spoiled)[:60])
        await asyncio.sleep(self._random.uniform(*SPOILED_S))
        self._house.write_rules(self._text())

    async def _status(self) -> None:
        answer = await self._house.ask("status")
        if answer is not None:
            self._house.say(f"status: {json.dumps(answer)[:2000]}")

    async def _rearm(self) -> None:
        for rule in await self._rules_in("broken", "done"):
            await self._house.ask("rearm", rule=rule)

    async def _resolve(self) -> None:
        """Looks in TWS for every order of unknown fate, as the message says."""
        at_ib = {order.orderRef for order in self._house.gateway.orders}
        for (key,) in self._house.rows("SELECT key FROM intent WHERE state = 'unknown'"):
            await self._house.ask("resolve", key=key, found="placed" if key in at_ib else "not-placed")

    async def _look_into_halts(self) -> None:
        """Cancels the twin in TWS and lets the rule go on; adopts what IB has."""
        kept = dict(self._house.rows("SELECT k, v FROM kv WHERE k IN ('halted', 'halted rules', 'account reset')"))
        if kept.get("halted"):
            await self._house.ask("adopt")
        if kept.get("account reset"):
            await self._house.ask("resume")
        for rule in json.loads(kept.get("halted rules") or "{}"):
            await self._house.ask("resume", rule=rule)

    async def _rules_in(self, *states: str) -> list[str]:
        answer = await self._house.ask("status")
        rules: list[dict[str, Json]] = answer["result"]["rules"] if isinstance(answer, dict) and answer["ok"] else []
        return [str(rule["name"]) for rule in rules if rule["state"] in states]

    def _text(self) -> str:
        text = "".join(block for name, block in self._blocks.items() if name not in self._absent)
        for number in sorted(self._edited):
            text = text.replace(*EDITS[number])
        return text


def _blocks(text: str) -> dict[str, str]:
    """The head under no name, then each rule under its own."""
    head, *rules = text.split("  - name: ")
    return {"": head} | {rule.split("\n", 1)[0]: f"  - name: {rule}" for rule in rules}


Deed = Callable[[User], Awaitable[None]]
_DEEDS: tuple[tuple[Deed, int], ...] = (
    (User._stop, 2),
    (User._pause, 3),
    (User._edit, 5),
    (User._spoil, 3),
    (User._status, 4),
    (User._rearm, 4),
    (User._resolve, 2),
    (User._look_into_halts, 4),
)
