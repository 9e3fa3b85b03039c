"""Messages about the connection itself."""

from typing import Annotated

from rules_engine.gateway.messages.form import reply, request
from rules_engine.gateway.wire.items import Identity, Since

SYSTEM = -1
"""The request id of errors and notices that belong to no request."""


@request(71, version=2)
class StartApi:
    """The first request: who the client is."""

    clientId: Annotated[int, Identity()]
    optionalCapabilities: str


@request(8, version=1)
class ReqIds:
    count: int


@request(17, version=1)
class ReqManagedAccounts:
    pass


@request(49, version=1)
class ReqCurrentTime:
    pass


@request(14, version=1)
class SetServerLogLevel:
    level: int


@reply(15, version=1)
class ManagedAccounts:
    accounts: str


@reply(9, version=1)
class NextValidId:
    orderId: int


@reply(49, version=1)
class CurrentTime:
    epoch: int


@reply(4, version=2)
class Error:
    """An error, a warning or a notice; what it concerns is a request, an order, or SYSTEM."""

    reqId: int
    code: int
    text: str
    advancedOrderReject: Annotated[str, Since(166)] = ""
