"""The handshake: from an address to a session that IB has let in, or the plain reason why not."""

import asyncio

from rules_engine.broker.hearing import Hearing
from rules_engine.model.errors import ClientIdInUse, LinkDown
from rules_engine.model.settings import GatewaySettings

_WHAT_TO_TICK = (
    "In TWS: File, Global Configuration, API, Settings: tick 'Enable ActiveX and Socket Clients' and set"
    " 'Socket port' to {port} (TWS: 7497 paper, 7496 live; IB Gateway: 4002 paper, 4001 live)"
)


async def shake_hands(hearing: Hearing, settings: GatewaySettings, deadline_s: float) -> None:
    """Returns when IB has told our accounts and the next order id. Raises LinkDown or ClientIdInUse.

    The library would wait out its whole timeout after IB has said that the client id is taken, or hung up. It gets
    none: with one, in Python 3.11, it overhears a cancellation that comes together with the connection, and keeps that.
    """
    client = hearing.session.client
    where = f"{settings.host}:{settings.port}"
    hearing.session.wrapper.clientId = settings.client_id
    connecting = asyncio.create_task(client.connectAsync(settings.host, settings.port, settings.client_id, timeout=0))
    ended = asyncio.create_task(hearing.ended.wait())
    try:
        over, _ = await asyncio.wait({connecting, ended}, timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended.cancel()
        if not connecting.done():
            connecting.cancel()
    await asyncio.wait({connecting})
    error = None if connecting.cancelled() else connecting.exception()
    if error is None and not connecting.cancelled() and not hearing.ended.is_set():
        _check_version(hearing, where)
        hearing.session.read_in_turns()
        return
    raise _reason(hearing, settings, error if over else TimeoutError())


def _reason(hearing: Hearing, settings: GatewaySettings, error: BaseException | None) -> LinkDown:
    where = f"{settings.host}:{settings.port}"
    if hearing.client_id_in_use:
        return ClientIdInUse(
            f"client id {settings.client_id} is in use at {where}: another engine or program is connected with it,"
            " or IB has not let go of our last connection yet"
        )
    if isinstance(error, ConnectionRefusedError):
        return LinkDown(f"nothing listens at {where}. {_WHAT_TO_TICK.format(port=settings.port)}")
    if isinstance(error, TimeoutError):
        return LinkDown(
            f"{where} accepted the connection but did not let us in: is TWS logged in, and is a question open in its"
            " window?"
        )
    if isinstance(error, OSError) and not isinstance(error, ConnectionError):
        return LinkDown(f"cannot reach {where}: {error.strerror or error}. {_WHAT_TO_TICK.format(port=settings.port)}")
    return LinkDown(f"{where} hung up during the handshake: {hearing.why_ended or error}")


def _check_version(hearing: Hearing, where: str) -> None:
    client = hearing.session.client
    version = client.serverVersion()
    if not client.MinClientVersion <= version <= client.MaxClientVersion:
        raise LinkDown(
            f"{where} speaks protocol version {version}; this program knows {client.MinClientVersion} to"
            f" {client.MaxClientVersion}"
        )
