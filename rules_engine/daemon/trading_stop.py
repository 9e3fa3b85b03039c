"""The kill switch in a running engine: looked at often, acted on once, told."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

from rules_engine.execution.desk import Desk
from rules_engine.execution.journal import Journal
from rules_engine.execution.kill_switch import KillSwitch
from rules_engine.execution.slices import in_slices
from rules_engine.execution.words import order_words
from rules_engine.model.clock import Clock
from rules_engine.model.intent import Intent
from rules_engine.notifying.messages import trading_resumed_notice, trading_stopped_notice

SHOWN_MAX = 10
LOOK_EVERY_S = 0.25

_log = logging.getLogger(__name__)


class TradingStop:
    """The desk looks at the switch itself before every order; this cancels what is at IB, and tells."""

    def __init__(self, switch: KillSwitch, desk: Desk, journal: Journal, clock: Clock, channels: Sequence[str]) -> None:
        self._switch = switch
        self._desk = desk
        self._journal = journal
        self._clock = clock
        self._channels = tuple(channels)
        self._acted = self._seen = ""
        self._acting = asyncio.Lock()
        self._pulled = asyncio.Event()

    async def pull(self, *, keep_orders: bool = False) -> str:
        """Stops all sending and, unless they are to be kept, cancels our orders; what was done, in words."""
        unset = self.set(keep_orders=keep_orders)
        words, self._seen = await self.look() or self._seen, ""
        return "\n".join(filter(None, (words, unset)))

    def set(self, *, keep_orders: bool = False) -> str:
        """Nothing is sent any more; what is at IB is cancelled as soon as the loop turns. What went wrong, in words."""
        unset = ""
        try:
            self._switch.pull(keep_orders=keep_orders)
        except OSError as error:
            unset = f"The switch could not be set on disk ({error.strerror}): it holds until this engine ends."
            _log.critical("%s", unset)
        self._pulled.set()
        return unset

    async def release(self) -> bool:
        """Lets orders leave again; False when the switch was off."""
        async with self._acting:
            was_on = self._switch.release()
        await self.look()
        return was_on

    async def watch(self) -> None:
        """Looks again and again: a file may be laid by hand."""
        while True:
            await self.notice()
            self._pulled.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._pulled.wait()

    async def notice(self) -> None:
        """Looks, and keeps what was done for whoever pulled the switch and is about to ask."""
        self._seen = await self.look() or self._seen

    async def look(self) -> str:
        """Acts on a switch that somebody pulled or released since the last look."""
        async with self._acting:
            return await self._act()

    async def _act(self) -> str:
        found = "" if not self._switch.is_on else "keep" if self._switch.keeps_orders else "cancel"
        if found == self._acted:
            return ""
        was, self._acted = self._acted, found
        now_s = self._clock.now_s()
        if not found:
            self._seen = ""
            _log.warning("the kill switch is off again")
            self._journal.tell(trading_resumed_notice(self._channels, now_s))
            self._desk.trade_again()
            return ""
        cancelled = await in_slices(self._desk.stopping_trading(keep_orders=found == "keep"))
        words = _words(cancelled, kept=found == "keep")
        _log.critical("the kill switch is on. %s", words)
        if not was or cancelled:
            self._journal.tell(trading_stopped_notice(words, self._channels, now_s))
        return words


def _words(cancelled: Sequence[Intent], *, kept: bool) -> str:
    if kept:
        return "Nothing more is sent. What is at the broker stays there."
    if not cancelled:
        return "Nothing more is sent. No order of ours is at the broker."
    shown = [f"{intent.rule}: {order_words(intent.draft)} ({intent.key})" for intent in cancelled[:SHOWN_MAX]]
    rest = [f"and {len(cancelled) - SHOWN_MAX} more, see: rules orders --open"] if len(cancelled) > SHOWN_MAX else []
    return "\n".join(["Nothing more is sent. Cancelling:", *shown, *rest])
