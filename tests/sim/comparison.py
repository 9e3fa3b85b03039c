"""The same market twice, once without and once with interruptions: the same rules must decide the same.

Prints come on even seconds and every duration of the rules is odd, so that nothing is decided on a knife's edge and a
fraction of a second more or less changes nothing.

What is left out follows from what the interrupted engine itself says, and from nothing else: a rule is
*out of sight* while the engine is away, or calls the rule unknown or warming. Whatever the uninterrupted engine decided
in such a stretch belongs to `if_missed`; if that changed what the rule remembers, the two are *apart* until their
memories are the same again. Every moment that is neither must agree.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from rules_engine.daemon.daemon import Daemon
from rules_engine.evaluation.run import Run
from rules_engine.evaluation.watch import Role
from rules_engine.model.firing import RuleState
from tests.sim.disk import fast_folder
from tests.sim.house import House
from tests.sim.market import Walker
from tests.sim.plan import USUAL_START

EVERY_S = 2.0
OFFSETS_S = {"V": 0.4, "MA": 0.5, "AAPL": 0.6}
LOOK_S = 0.8
"""After the even second: every print has just been judged, and no window ends near."""
WARM_UP_S = 20.0
CLOSE_S = 1.5
"""Times within this are the same: history is in whole seconds."""
_TEXT = (Path(__file__).parent / "compared.yaml").read_text()
_CENTRES = {"V": 200.0, "MA": 400.0, "AAPL": 150.0}
_COUNTED = "counted"
_OWN_REASONS = frozenset({"cooling down", "not cleared", "over count", "only if"})


@dataclass(frozen=True, slots=True)
class Memory:
    """What a rule remembers at a moment, as far as it can still matter."""

    state: RuleState
    has_gap: bool
    up_since_s: float
    """The latest moment at which data that it reads came back."""
    done: bool
    paused: bool
    cleared: bool
    broken: str
    fired_today: int
    cooling_s: float
    known: str
    truths: str
    lasting_s: float | None
    values: tuple[tuple[str, float], ...]

    def is_like(self, other: "Memory") -> str:
        """Empty, or what differs."""
        for name in ("done", "paused", "cleared", "broken", "fired_today", "known", "truths"):
            if getattr(self, name) != getattr(other, name):
                return f"{name}: {getattr(self, name)} and {getattr(other, name)}"
        if abs(self.cooling_s - other.cooling_s) > CLOSE_S:
            return f"cooling: {self.cooling_s:.1f} s and {other.cooling_s:.1f} s"
        if (self.lasting_s is None) != (other.lasting_s is None):
            return f"lasting: {self.lasting_s} and {other.lasting_s}"
        if (
            self.lasting_s is not None
            and other.lasting_s is not None
            and abs(self.lasting_s - other.lasting_s) > CLOSE_S
        ):
            return f"lasting: {self.lasting_s:.1f} s and {other.lasting_s:.1f} s"
        ours, theirs = dict(self.values), dict(other.values)
        for name in sorted(ours.keys() & theirs.keys()):
            if abs(ours[name] - theirs[name]) > 1e-6 * abs(ours[name]):
                return f"{name}: {ours[name]} and {theirs[name]}"
        return ""

    @property
    def is_out_of_sight(self) -> bool:
        return self.has_gap or self.state in (RuleState.UNKNOWN, RuleState.WARMING)


@dataclass(frozen=True, slots=True)
class Decision:
    """A firing, or an edge that a guard of the rule held back."""

    rule: str
    at_s: float
    what: str


@dataclass(slots=True)
class Tale:
    """One of the two runs. A look without a rule means that the engine was away."""

    looks: list[dict[str, Memory]] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Verdict:
    """What the comparison of one seed came to: counts are of a rule at a moment."""

    seed: int
    compared: int = 0
    out_of_sight: int = 0
    apart: int = 0
    decisions: int = 0
    decisions_left_out: int = 0
    interruptions: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


def compare(seed: int, minutes: float) -> Verdict:
    """Plays a seed without and with interruptions, and tells every difference."""
    calm, _ = _played(seed, minutes, interrupted=False)
    rough, interruptions = _played(seed, minutes, interrupted=True)
    verdict = Verdict(seed, interruptions=interruptions)
    verdict.differences += [f"uninterrupted: {text}" for text in calm.broken]
    verdict.differences += [f"interrupted: {text}" for text in rough.broken]
    for rule in sorted({rule for look in calm.looks for rule in look}):
        _compare_rule(rule, calm, rough, verdict)
    return verdict


def _compare_rule(rule: str, calm: Tale, rough: Tale, verdict: Verdict) -> None:
    left_out: list[tuple[float, float]] = []
    apart, before, since_s = False, calm.looks[0].get(rule), None
    for number, (one, other) in enumerate(zip(calm.looks, rough.looks, strict=True)):
        at_s = _look_s(number)
        ours, theirs = one[rule], other.get(rule)
        if since_s is None and theirs is not None and theirs.up_since_s > _look_s(number - 1):
            since_s = _look_s(number - 1)  # Gone and back between two looks.
        if theirs is None or theirs.is_out_of_sight:
            verdict.out_of_sight += 1
            since_s = _look_s(number - 1) if since_s is None else since_s
            continue
        differs = ours.is_like(theirs)
        if since_s is not None and not apart:
            # What was decided out of sight may have left another memory behind.
            apart = bool(differs) and _moved(before, ours, rule, calm, rough, since_s, at_s)
        if apart and not differs:
            apart = False
        if apart:
            verdict.apart += 1
            since_s = at_s if since_s is None else since_s
            continue
        if since_s is not None:
            left_out.append((since_s, at_s))
            since_s = None
        before = ours
        verdict.compared += 1
        if differs:
            verdict.differences.append(f"{at_s:.1f} {rule}: {differs}")
            apart = True  # Told once.
    left_out.append((_look_s(len(calm.looks) - 1) if since_s is None else since_s, float("inf")))
    _compare_decisions(rule, calm, rough, left_out, verdict)


def _moved(before: Memory | None, now: Memory, rule: str, calm: Tale, rough: Tale, since_s: float, at_s: float) -> bool:
    """Whether anything happened to the rule while it was out of sight: a decision, or another truth."""
    decided = any(
        one.rule == rule and since_s - CLOSE_S <= one.at_s <= at_s + CLOSE_S
        for one in (*calm.decisions, *rough.decisions)
    )
    return decided or before is None or before.is_like(now) != ""


def _compare_decisions(
    rule: str, calm: Tale, rough: Tale, left_out: Sequence[tuple[float, float]], verdict: Verdict
) -> None:
    def is_left_out(one: Decision) -> bool:
        return any(start_s - CLOSE_S <= one.at_s <= end_s + CLOSE_S for start_s, end_s in left_out)

    ours, theirs = _of(rule, calm), _of(rule, rough)
    for one in ours:
        twin = next(
            (other for other in theirs if other.what == one.what and abs(other.at_s - one.at_s) < CLOSE_S), None
        )
        if twin is not None:
            theirs.remove(twin)
            verdict.decisions += 1
        elif is_left_out(one):
            verdict.decisions_left_out += 1
        else:
            verdict.differences.append(f"{one.at_s:.1f} {rule}: {one.what} only without interruptions")
    verdict.differences += [
        f"{one.at_s:.1f} {rule}: {one.what} only with interruptions" for one in theirs if not is_left_out(one)
    ]


def _of(rule: str, tale: Tale) -> list[Decision]:
    return [one for one in tale.decisions if one.rule == rule and one.at_s > WARM_UP_S]


def _look_s(number: int) -> float:
    return WARM_UP_S + number * EVERY_S + LOOK_S


# The two runs.


def _played(seed: int, minutes: float, *, interrupted: bool) -> tuple[Tale, Counter[str]]:
    with TemporaryDirectory(prefix="sim-", dir=fast_folder()) as folder:
        house = House(Path(folder), seed, _TEXT, start_s=USUAL_START.timestamp(), steady=True)
        tale, interruptions = Tale(), Interruptions(house)
        house.play(_live(house, minutes * 60.0, tale, interruptions if interrupted else None))
        tale.broken += [str(one) for one in house.checks.violations]
        tale.decisions += _decisions(house)
        return tale, interruptions.counts


async def _live(house: House, until_s: float, tale: Tale, interruptions: "Interruptions | None") -> None:
    await house.gateway.start()
    house.start()
    work = [
        house.task(_trade(house, until_s)),
        house.task(_look(house, until_s, tale)),
        house.task(_use(house, until_s)),
    ]
    if interruptions is not None:
        work.append(house.task(interruptions.happen(until_s - 30.0)))
    await asyncio.gather(*work)
    await house.stop()
    await house.gateway.stop()


async def _trade(house: House, until_s: float) -> None:
    """Each instrument at its own fraction of every even second."""
    dice = house.random("market")
    walkers = [Walker(symbol, centre, centre - 0.5) for symbol, centre in _CENTRES.items()]
    step = 0
    while (step + 1) * EVERY_S < until_s:
        for walker in walkers:
            await _until(house, step * EVERY_S + OFFSETS_S[walker.symbol])
            price = walker.step(dice)
            house.gateway.push_quote(walker.symbol, round(price - 0.02, 2), round(price + 0.02, 2))
            house.gateway.push(walker.symbol, price)
        step += 1


async def _look(house: House, until_s: float, tale: Tale) -> None:
    """Notes what every rule remembers, between two prints."""
    number = 0
    while _look_s(number) < until_s:
        await _until(house, _look_s(number))
        tale.looks.append(_memories(house))
        number += 1


async def _use(house: House, until_s: float) -> None:
    """The same deeds in both runs: a pause, and trading stopped for a while."""
    await _until(house, until_s * 0.3 + 1.0)
    await _insist(house, "pause", rule="pausable")
    await _until(house, until_s * 0.5 + 1.0)
    house.switch.pull()
    await _until(house, until_s * 0.6 + 1.0)
    await _insist(house, "resume", rule="pausable")
    house.switch.release()


async def _insist(house: House, command: str, **arguments: str) -> None:
    while await house.ask(command, **arguments) is None:
        await asyncio.sleep(0.05)


async def _until(house: House, at_s: float) -> None:
    await asyncio.sleep(max(at_s - house.loop.time(), 0.0))


def _memories(house: House) -> dict[str, Memory]:
    daemon = next((one for one in house.node.keeps if isinstance(one, Daemon)), None) if house.is_running else None
    if daemon is None or not daemon.is_running or daemon.link.connection is None:
        return {}
    evaluator, now_s = daemon._evaluator, house.clock.now_s()
    states = {status.rule: status.state for status in evaluator.status(now_s)}
    return {name: _memory(run, states[name], now_s) for name, run in evaluator._runs.items()}


def _memory(run: Run, state: RuleState, now_s: float) -> Memory:
    # A rule that does not listen knows nothing, and starts anew when it does.
    life, watches = run.life(now_s), run.watches if run.awake else []
    lasting = [since_s for watch in watches if (since_s := watch.judge.lasting_since_s()) is not None]
    return Memory(
        state=state,
        has_gap=run.awake and any(watch.gap_s is not None for watch in run.watches_of(Role.CASE)),
        up_since_s=max(_up_since(run), default=0.0) - USUAL_START.timestamp(),
        done=life.done,
        paused=life.paused,
        cleared=life.cleared,
        broken=life.broken,
        fired_today=life.fired_today if run.rule.name == _COUNTED else 0,
        cooling_s=max((life.cooldown_until_s or now_s) - now_s, 0.0),
        known=life.known if run.awake else "",
        truths=" ".join(watch.verdict.truth.value for watch in watches),
        lasting_s=now_s - min(lasting) if lasting else None,
        values=tuple(
            sorted(
                (name, value) for watch in watches for name, read in watch._telling() if (value := read()) is not None
            )
        ),
    )


def _up_since(run: Run) -> Iterator[float]:
    names = {name for watch in run.watches for name, _ in watch.uses.keys}
    return (feed.up_since_s for name, feed in run.market.feeds.items() if name in names and feed.up_since_s is not None)


def _decisions(house: House) -> list[Decision]:
    start_s = USUAL_START.timestamp()
    return [
        Decision(rule, at_s - start_s, f"held back: {reason}" if reason in _OWN_REASONS else "fired")
        for rule, at_s, reason in house.rows("SELECT rule, at_s, reason FROM firing ORDER BY id")
    ]


# What interrupts.


class Interruptions:
    """Kills, stops, lost connections and reloads, one after the other, with time to recover in between."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._random: Random = house.random("interruptions")
        self._edition = 0
        self.counts: Counter[str] = Counter()

    async def happen(self, until_s: float) -> None:
        kinds = (
            *(self._kill, self._stop, self._drop, self._restart, self._lose_link, self._break_farm),
            *(self._reload, self._kill_after_reload),
        )
        await asyncio.sleep(WARM_UP_S + 10.0)
        while True:
            pause_s = self._random.uniform(5.0, 120.0)
            if self._house.loop.time() + pause_s >= until_s:
                return
            await asyncio.sleep(pause_s)
            kind = self._random.choice(kinds)
            self.counts[kind.__name__.removeprefix("_").replace("_", " ")] += 1
            await kind()

    async def _kill(self) -> None:
        if self._random.random() < 0.5:
            self._house.kill()
        else:
            node = self._house.node
            node.dies_at = (self._random.choice(("before commit", "after commit", "after write")), 0)
            while not node.dead:
                await asyncio.sleep(0.1)
        await asyncio.sleep(self._random.choice((0.5, 3.0, 20.0, 70.0)))
        self._house.start()

    async def _stop(self) -> None:
        await self._house.stop()
        await asyncio.sleep(self._random.choice((0.5, 5.0, 40.0)))
        self._house.start()

    async def _drop(self) -> None:
        for connection in list(self._house.network.open.values()):
            self._house.network.drop(connection)

    async def _restart(self) -> None:
        self._house.gateway.restart(self._random.uniform(1.0, 40.0))

    async def _lose_link(self) -> None:
        self._house.gateway.lose_link()
        await asyncio.sleep(self._random.uniform(0.5, 60.0))
        self._house.gateway.restore_link(self._random.random() < 0.5)

    async def _break_farm(self) -> None:
        self._house.gateway.break_farm("usfarm")
        await asyncio.sleep(self._random.uniform(1.0, 40.0))
        self._house.gateway.restore_farm("usfarm")

    async def _reload(self) -> None:
        """The rules in another order, and one more that has nothing to do with them."""
        self._edition += 1
        head, *rules = _TEXT.split("  - {")
        self._random.shuffle(rules)
        more = f"name: another-{self._edition}, when: MA > 9000, do: notify phone}}\n"
        self._house.write_rules("  - {".join([head, *rules, more]))
        await _insist(self._house, "reload")

    async def _kill_after_reload(self) -> None:
        """Before all memories are on disk again, or soon after."""
        await self._reload()
        await asyncio.sleep(self._random.uniform(0.0, 6.0))
        await self._kill()
