"""How far this machine's clock is from IB's."""

from hypothesis import given
from hypothesis import strategies as st

from rules_engine.broker.clock_apart import ahead_at_least_s
from rules_engine.broker.connection import Connection
from rules_engine.gateway import Gateway
from rules_engine.model.clock import SystemClock
from rules_engine.model.reports import ClockCompared
from rules_engine.model.settings import GatewaySettings
from tests.broker.conftest import Heard

ways = st.floats(0.0, 3.0)


@given(st.floats(-7200.0, 7200.0), ways, ways, st.floats(1.9e9, 1.9e9 + 60))
def test_it_is_never_called_farther_apart_than_it_is_and_never_much_less(
    ahead_s: float, there_s: float, back_s: float, asked_s: float
) -> None:
    ib_s = int(asked_s + there_s - ahead_s)
    found = ahead_at_least_s(ib_s, asked_s, asked_s + there_s + back_s)
    assert found == 0 or found * ahead_s > 0
    assert abs(found) <= abs(ahead_s) + 1e-6
    assert abs(ahead_s - found) <= there_s + back_s + 1 + 1e-6


class Wrong(SystemClock):
    """Two minutes ahead until it is set right."""

    ahead_s = 120.0

    def now_s(self) -> float:
        return super().now_s() + self.ahead_s


async def test_a_wrong_clock_is_reported_and_then_that_it_is_right(gateway: Gateway, heard: Heard) -> None:
    clock = Wrong()
    connection = await Connection.open(GatewaySettings(port=gateway.port), (), heard.inbox, clock)
    for _ in range(3):
        await connection.probe()
    clock.ahead_s = 0.0
    for _ in range(3):
        await connection.probe()
    await heard.until(lambda: len(heard.of(ClockCompared)) == 2)
    first, second = heard.of(ClockCompared)
    assert 115 < first.ahead_s <= 120 and second.ahead_s == 0
    connection.close()
