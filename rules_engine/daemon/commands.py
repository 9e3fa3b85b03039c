"""What the control socket can ask of a running engine."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from rules_engine.daemon.control import Command, CommandRefused
from rules_engine.daemon.in_force import InForce
from rules_engine.daemon.incidents import Incidents
from rules_engine.daemon.overload import Overload
from rules_engine.daemon.rulebook import Difference, Refused
from rules_engine.daemon.trading_stop import TradingStop
from rules_engine.evaluation import Evaluator
from rules_engine.execution.desk import Desk
from rules_engine.execution.slices import in_slices
from rules_engine.language import render
from rules_engine.model.clock import Clock
from rules_engine.model.firing import RuleState
from rules_engine.model.json_value import Json
from rules_engine.model.life import RuleStatus
from rules_engine.model.plan import Plan
from rules_engine.model.settings import Settings
from rules_engine.model.slices import Slices

_TOLD_A_SLICE = 10
_REARMABLE = frozenset({RuleState.DONE, RuleState.BROKEN})
"""Any other rule listens already, or has an order at the broker that a second one would double."""


class Commands:
    """Answers from what the engine knows; changes go through the same methods as its own."""

    def __init__(
        self,
        settings: Settings,
        in_force: InForce,
        evaluator: Evaluator,
        desk: Desk,
        trading_stop: TradingStop,
        incidents: Incidents,
        overload: Overload,
        clock: Clock,
        react: Callable[[], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._in_force = in_force
        self._evaluator = evaluator
        self._desk = desk
        self._trading_stop = trading_stop
        self._incidents = incidents
        self._overload = overload
        self._clock = clock
        self._react = react
        self._started_s = clock.now_s()

    def table(self) -> Mapping[str, Command]:
        """The commands by name."""
        return {
            "status": self._status,
            "reload": self._reload,
            "pause": self._pause,
            "resume": self._resume,
            "rearm": self._rearm,
            "resolve": self._resolve,
            "adopt": self._adopt,
            "stop": self._stop,
        }

    async def _status(self, request: Mapping[str, Json]) -> Json:
        link, in_force = self._incidents.link, self._in_force
        held = (one for one in self._desk.book().open if one.held and not one.is_child)
        sent = {one.rule for one in held if one.state.may_be_at_broker}
        rules = await in_slices(self._telling(sent))
        return {
            "running": True,
            "mode": self._settings.mode.value,
            "account": self._settings.account,
            "started_s": self._started_s,
            "link": link.state,
            "link_since_s": link.time_s,
            "link_text": link.text,
            "sending": self._desk.waiting_for or "orders may leave",
            "prices": dict(self._overload.status()),
            "rules": rules,
            "reload": {
                "at_s": in_force.reloaded_s,
                "changes": list(in_force.changes),
                "problems": [f"{one.place.file}:{one.place.line}: {one.message}" for one in in_force.problems],
            },
        }

    def _telling(self, sent: Collection[str]) -> Slices[list[Json]]:
        """Each rule as it is told; ``sent`` have an order at the broker."""
        told: list[Json] = []
        halted = self._desk.halted_rules
        for name, plan in list(self._in_force.plans.items()):
            status = self._evaluator.rule_status(name, self._clock.now_s())
            if status is not None:
                told.append(_told(plan, status, name in sent, halted.get(name, "")))
            if len(told) % _TOLD_A_SLICE == 0:
                yield
        return told

    async def _reload(self, request: Mapping[str, Json]) -> Json:
        dry = request.get("dry") is True
        found = await (self._in_force.preview() if dry else self._in_force.reload())
        await self._react()
        if isinstance(found, Refused):
            raise CommandRefused(f"nothing was changed\n{render(found.problems)}")
        return _difference_words(found, dry)

    async def _pause(self, request: Mapping[str, Json]) -> Json:
        names = self._rules(request)
        cancelled = await in_slices(self._in_force.pausing(names))
        await self._react()
        also = f"; cancelling what the broker holds for {', '.join(cancelled)}" if cancelled else ""
        return f"paused: {', '.join(names) or 'no rule'}{also}"

    async def _resume(self, request: Mapping[str, Json]) -> Json:
        names = self._rules(request)
        await in_slices(self._resuming(names))
        aside: Sequence[str] = ()
        if request.get("rule") is not None:
            lifted = self._desk.resume(names[0])
            aside = self._desk.set_aside_unpriced(names[0])
        else:
            lifted = self._desk.go_on()
        await self._react()
        also = f"; orders may leave again although {lifted}" if lifted else ""
        if halted := [f"{name} ({why})" for name, why in self._desk.halted_rules.items() if name in names]:
            also += f"; still halted: {', '.join(halted)}; look in TWS, then: rules resume NAME"
        if aside:
            also += f"; what it did in {', '.join(aside)} so far counts no more for max_daily_loss_per_rule"
        return f"listening again: {', '.join(names) or 'no rule'}{also}"

    def _resuming(self, names: Sequence[str]) -> Slices[None]:
        for name in names:
            if name in self._in_force.plans:
                self._evaluator.resume(name, self._in_force.until_s())
            yield

    async def _rearm(self, request: Mapping[str, Json]) -> Json:
        if not isinstance(request.get("rule"), str):
            raise CommandRefused("which rule? write `rules rearm NAME`")
        (name,) = self._rules(request)
        status = self._evaluator.rule_status(name, self._clock.now_s())
        assert status is not None, name
        if status.state not in _REARMABLE:
            raise CommandRefused(f"{name} is {status.state} ({status.why}): only what is done or broken is armed again")
        self._evaluator.rearm(name, self._in_force.until_s())
        await self._react()
        return f"armed: {name}"

    async def _resolve(self, request: Mapping[str, Json]) -> Json:
        key = request.get("key")
        placed = request.get("found") == "placed"
        if not isinstance(key, str) or not self._desk.resolve(key, placed=placed):
            raise CommandRefused(f"there is no order {key} whose fate is unknown")
        await self._react()
        fate = "it stays open until IB reports its end" if placed else "it is over"
        return f"resolved: {key}: {fate}"

    async def _adopt(self, request: Mapping[str, Json]) -> Json:
        halted = self._desk.adopt()
        if not halted:
            raise CommandRefused("there is nothing to adopt: IB has shown nothing that the journal does not know")
        await self._react()
        return f"orders may leave once what IB has was read again. It was: {halted}"

    async def _stop(self, request: Mapping[str, Json]) -> Json:
        if request.get("lift") is True:
            was_on = await self._trading_stop.release()
            await self._react()
            return "orders may leave again" if was_on else "the kill switch was off"
        words = await self._trading_stop.pull(keep_orders=request.get("keep_orders") is True)
        await self._react()
        return words or "it was stopped already"

    def _rules(self, request: Mapping[str, Json]) -> list[str]:
        name = request.get("rule")
        if name is None:
            return list(self._in_force.plans)
        if not isinstance(name, str) or name not in self._in_force.plans:
            raise CommandRefused(f"there is no rule {name!r}; known: {', '.join(self._in_force.plans) or 'none'}")
        return [name]


def _told(plan: Plan, status: RuleStatus, sent: bool, halted: str) -> Json:
    waits = status.state is RuleState.PLACED and not sent
    why = "its order is still to be sent to the broker" if waits else status.why
    return {
        "name": status.rule,
        "state": status.state.value,
        "since_s": status.since_s,
        "why": halted or why,
        "where": plan.where.value,
        "sentence": " | ".join(case.text for case in plan.rule.cases),
    }


def _difference_words(difference: Difference, dry: bool) -> str:
    if difference.is_empty:
        return "nothing changed"
    head = "would change:" if dry else "changed:"
    return "\n".join((head, *difference.lines()))
