"""One seed into one history: a market, a gateway, a user, an engine that is killed and started again."""

import asyncio
import time
from datetime import time as time_of_day
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from rules_engine.gateway.faults.plan import nightly_restart
from rules_engine.model.settings import Limits, NightlyRestart, Settings
from tests.sim.checks import fate_of
from tests.sim.disk import fast_folder
from tests.sim.faults import Stage, Trouble
from tests.sim.house import PATIENCE_S, House
from tests.sim.market import Crowd
from tests.sim.plan import NEW_YORK, History, Plan
from tests.sim.user import User

DRAIN_S = 1_300.0
"""Longer than the longest pause between two audits of the engine, and than any back-off."""
RESTART_AT = time_of_day(23, 45)
OPENING_PACKETS_MAX = 10
"""So many packets come to an engine in its first seconds: each tells something else."""
TURNS_MAX = 5
"""Within so many turns of the loop a request to stop has reached every part of the engine."""
_RULES = Path(__file__).parent / "rules.yaml"
_PORTS = ("before commit", "after commit", "before write", "after write", "before letter", "after letter", "connect")
_LIMITS = (
    Limits(allow_short=True),
    Limits(allow_short=True, max_position_value=Decimal(100_000), max_orders_per_second=2),
    Limits(allow_short=True, max_order_quantity=Decimal(95), max_orders_per_day=60, max_open_value=Decimal(150_000)),
    Limits(allow_short=True, max_position_value=Decimal(60_000), max_value_per_day=Decimal(2_000_000)),
)


def play(plan: Plan) -> History:
    """The history of this plan: always the same one."""
    with TemporaryDirectory(prefix="sim-", dir=fast_folder()) as folder:
        return World(plan, Path(folder)).play()


def wanted_by(plan: Plan) -> Settings:
    """What the seed's user has set: whether anything is sent twice, and when the gateway restarts."""
    random, resends, restart = Random(f"{plan.seed}:settings"), (0.0, 0.0), None
    chances = random.random(), random.random()
    if chances[0] < plan.resends:
        resends = random.choice(((60.0, 0.0), (60.0, 30.0), (120.0, 120.0)))
    if chances[1] < plan.windows:
        at = plan.start + timedelta(minutes=plan.minutes * random.uniform(0.1, 0.9))
        restart = NightlyRestart(at.hour, at.minute, random.choice((30.0, 60.0, 120.0)), NEW_YORK.key)
    return Settings(resend_within_s=resends[0], resend_market_within_s=resends[1], restart=restart)


class World:
    """A house in which everything happens by chance."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self._plan = plan
        text, wanted = _RULES.read_text(), wanted_by(plan)
        restart = wanted.restart
        self._house = house = House(
            folder,
            plan.seed,
            text,
            start_s=plan.start.timestamp(),
            limits=Random(f"{plan.seed}:limits").choice(_LIMITS),
            wanted=wanted,
            keep_log=plan.keep_log,
            steps=(nightly_restart(time_of_day(restart.hour, restart.minute) if restart else RESTART_AT),),
        )
        if plan.stop_at_first:
            house.checks.on_violation = house.loop.stop
        self._crowd = Crowd(house.gateway, house.random("market"), plan.pause_s)
        self._user = User(house, text, house.random("user"))

    def play(self) -> History:
        began_s = time.process_time()
        house, plan = self._house, self._plan
        house.play(self._live(plan.minutes * 60.0), until=lambda: plan.stop_at_first and bool(house.checks.violations))
        house.conclude()
        return History(
            plan=plan,
            digest=house.log.digest,
            violations=tuple(house.checks.violations),
            simulated_s=house.loop.time(),
            cpu_s=time.process_time() - began_s,
            starts=len(house.nodes),
            kills=house.kills,
            orders=len(house.gateway.orders),
            again=len(house.repetitions.again),
            firings=house.rows("SELECT count(*) FROM firing")[0][0],
            ticks=self._crowd.ticks,
            deeds=self._user.deeds,
            log=tuple(house.log.kept or ()),
        )

    async def _live(self, until_s: float) -> None:
        house, plan = self._house, self._plan
        await house.gateway.start()
        foreign = self._place_foreign()
        trading = house.task(self._crowd.trade(until_s))
        house.start()
        house.office.failing = 0.2 * min(plan.badness, 1.0)
        stage = Stage(house, house.random("stage"))
        trouble = house.task(Trouble(stage, plan).stir(until_s))
        reaper = house.task(self._reap(until_s))
        user = house.task(self._user.act(plan.user_per_hour, until_s))
        await asyncio.gather(trading, trouble, reaper, user)
        if plan.peace:
            await self._make_peace(foreign)
        await house.stop()
        await house.gateway.stop()

    async def _make_peace(self, foreign: dict[int, str]) -> None:
        house = self._house
        house.say("peace")
        house.office.failing = 0.0
        house.start()
        await asyncio.sleep(DRAIN_S / 2 + house.checks.set_back_s)
        await self._user.tidy_up()
        await asyncio.sleep(DRAIN_S / 2)
        house.checks.settled(house.office.delivered, foreign, house.watcher.complained_of)

    async def _reap(self, until_s: float) -> None:
        """Kills the engine again and again, at moments and at uses of disk and network, and starts it anew."""
        house, random = self._house, self._house.random("kills")
        while self._plan.kills_per_hour:
            pause_s = random.expovariate(self._plan.kills_per_hour / 3600)
            if house.loop.time() + pause_s >= until_s:
                break
            await asyncio.sleep(pause_s)
            await self._end(random)
            await self._start_again(random)

    async def _start_again(self, random: Random) -> None:
        house = self._house
        while not house.is_running:
            await asyncio.sleep(random.choice((random.uniform(0.01, 1), random.uniform(1, 8), random.uniform(8, 90))))
            if not house.is_running:
                if random.random() < self._plan.power_cuts:
                    house.disk.cut_power()
                house.start()
            if random.random() < self._plan.hasty:
                await self._stop_early(random)

    async def _stop_early(self, random: Random) -> None:
        if random.random() < 0.3:
            await asyncio.sleep(random.uniform(0.0, 0.2))
            await self._house.stop()
        else:
            await self._stop_with_packet(random)

    async def _stop_with_packet(self, random: Random) -> None:
        """An answer comes while the request to stop is on its way through the engine's tasks."""
        packets, turns = random.randint(1, OPENING_PACKETS_MAX), random.randint(0, TURNS_MAX)
        await self._house.stop(packets=packets, turns=turns, late=random.random() < 0.5)

    async def _end(self, random: Random) -> None:
        house, chance = self._house, random.random()
        if random.random() < self._plan.stops:
            await (house.stop() if chance < 0.5 else self._stop_with_packet(random))
        elif chance < 0.3:
            house.kill()
        else:
            node = house.node
            node.dies_at = (random.choice(_PORTS), random.randrange(12))
            with_patience_s = house.loop.time() + PATIENCE_S
            while not node.dead and house.loop.time() < with_patience_s:
                await asyncio.sleep(0.25)
            house.kill()

    def _place_foreign(self) -> dict[int, str]:
        """Orders of somebody else, with what must still be true of them at the end."""
        gateway = self._house.gateway
        permIds = [
            gateway.place_in_tws("AAPL", "BUY", 7, "LMT", limit_price=50.0),
            gateway.place_in_tws("MA", "SELL", 9, "LMT", limit_price=900.0),
        ]
        return {order.permId: fate_of(order) for order in gateway.orders if order.permId in permIds}
