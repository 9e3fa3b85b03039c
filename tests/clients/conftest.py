"""Every test of this folder runs once for each client, in a process that lives as long as the tests do."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.process import Process, Record, Session
from tests.clients.stage import Stage

CLIENTS = {"ib_insync": 176, "ib_async": 178, "ibapi-9.81": 157, "ibapi-10.50": 178}
"""The environments of the clients, with the newest server version that each agrees on with the gateway."""


@pytest.fixture(scope="session")
def run_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Process]]:
    """Starts a client's driver when it is wanted first."""
    running: dict[str, Process] = {}
    folder = tmp_path_factory.mktemp("clients")

    def run(name: str) -> Process:
        if name not in running:
            running[name] = Process(name, folder / f"{name}.txt")
        return running[name]

    yield run
    for process in running.values():
        process.close()


@pytest.fixture(params=list(CLIENTS))
def client(request: pytest.FixtureRequest) -> str:
    """The name of the client that is tested."""
    return request.param


@pytest.fixture
def process(client: str, run_client: Callable[[str], Process]) -> Process:
    return run_client(client)


@pytest.fixture
def open_stage() -> Iterator["OpenStage"]:
    """Opens gateways that are closed at the end of the test."""
    opened: list[Stage] = []

    def open_one(**options: Any) -> Stage:
        opened.append(Stage(**options))
        return opened[-1]

    yield open_one
    for stage in opened:
        stage.close()


@pytest.fixture
def stage(open_stage: "OpenStage", tmp_path: Path) -> Stage:
    return open_stage(state=tmp_path / "gateway.db")


OpenStage = Callable[..., Stage]


class Connect:
    """Connects a client to the test's gateway, as often as a test wants."""

    def __init__(self, process: Process, stage: Stage) -> None:
        self._process = process
        self._stage = stage

    def __call__(self, clientId: int = 1) -> Session:
        session = self.again()
        session.greeting = session.ask("connect", port=self._stage.port, clientId=clientId)
        return session

    def again(self) -> Session:
        """One more connection, which is for the test to make."""
        return self._process.session()


@pytest.fixture
def connect_to(process: Process) -> Callable[[Stage], Connect]:
    """Connects the client to a gateway of the test's own."""
    return lambda stage: Connect(process, stage)


@pytest.fixture
def connect(connect_to: Callable[[Stage], Connect], stage: Stage) -> Connect:
    return connect_to(stage)


@pytest.fixture
def session(connect: Connect) -> Session:
    """A connection as client 1."""
    return connect()


def stock(symbol: str) -> Record:
    """A US stock as a user would name it."""
    return {"symbol": symbol, "secType": "STK", "exchange": "SMART", "currency": "USD"}


def order(kind: str, action: str = "BUY", quantity: float = 10, **more: Any) -> Record:
    """An order of any type."""
    return {"action": action, "totalQuantity": quantity, "orderType": kind, "tif": "DAY", **more}


def limit_order(price: float, action: str = "BUY", quantity: float = 10, **more: Any) -> Record:
    return order("LMT", action, quantity, lmtPrice=price, **more)
