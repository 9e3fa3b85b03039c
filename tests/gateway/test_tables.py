"""Every message of the tables in every server version: against the obvious codec and the real library's decoder."""

import logging
import math
import random
import typing
from collections.abc import Callable

import pytest
from ib_insync.decoder import Decoder

from rules_engine.gateway.contracts.contract import Contract
from rules_engine.gateway.messages import form
from rules_engine.gateway.messages.order_form import OrderForm
from rules_engine.gateway.messages.order_messages import CompletedOrder, OpenOrder, PlaceOrder
from rules_engine.gateway.messages.unsimulated import UNSIMULATED
from rules_engine.gateway.wire.declarations import Declared, declared, variants
from rules_engine.gateway.wire.values import Malformed, NotAnIdentity
from tests.gateway.plain_codec import PlainReader, plain_fields
from tests.gateway.requests import ORDERS, library_requests, order_fields

VERSIONS = range(157, 179)
LIBRARY_VERSIONS = range(157, 177)
TEXTS = ("", "x", "SMART", "BAG", "a b", "\u00e9\u20ac", "Infinity", "0", "100%s")
CHOSEN = {
    "orderType": ("LMT", "PEG BENCH", "PEG MID", "PEG BEST", ""),
    "hedgeType": ("", "B"),
    "algoStrategy": ("", "Vwap"),
}
CHOSEN |= {"deltaNeutralOrderType": ("", "MKT", "None")}
NUMBERED = {"TickByTickLast": (1, 2), "TickByTickBidAsk": (3,), "TickByTickMidPoint": (4,)}
TIMED = {"ExecDetails": "20260701 12:00:00 UTC", "HistoricalBar": "20260701", "HeadTimestamp": "20260701-12:00:00"}


class Maker:
    """Makes messages of any declared type, with values that a seed chooses."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)

    def make(self, cls: type) -> typing.Any:
        values = {name: self._value(cls, one) for name, one in declared(cls).items()}
        if cls.__name__ in NUMBERED:
            values["type"] = self._random.choice(NUMBERED[cls.__name__])
        for name in ("time", "date", "timestamp", "start", "end"):
            if cls.__name__ in TIMED and name in values:
                values[name] = TIMED[cls.__name__]
        return cls(**values)

    def _value(self, cls: type, one: Declared) -> object:
        pick = self._random.choice
        if one.optional and self._random.random() < 0.5:
            return None
        if one.many:
            return tuple(self._element(one.element) for _ in range(self._random.randrange(3)))
        if one.texts:
            return pick(one.texts)
        if one.type is str:
            return pick(CHOSEN.get(one.name, TEXTS))
        if one.type is bool:
            return pick((True, False))
        if one.type is int:
            return pick((0, 1, -1, 7, 2**31 - 2, -(2**31)))
        if one.type is float:
            return pick((0.0, 1.0, 100.0, -0.5, 199.25, 0.1 + 0.2, 1e16, 1e-9, -1e300))
        return self.make(one.type)

    def _element(self, element: typing.Any) -> object:
        if element is str:
            return self._random.choice(TEXTS)
        if element is float:
            return self._random.choice((1.0, 2.5))
        return self.make(self._random.choice(list(variants(element).values()) or [element]))


@pytest.mark.parametrize("version", VERSIONS)
def test_compiled_writers_write_what_the_obvious_codec_writes(version: int) -> None:
    for cls, one in form._replies.items():
        maker = Maker(f"{version} {cls.__name__}")
        for _ in range(10):
            message = maker.make(cls)
            expected = list(plain_fields(message, one.layout.items, version))
            frame = form.reply_bytes(message, version)
            assert frame[4:].decode().split("\0")[:-1] == expected
            assert int.from_bytes(frame[:4], "big") == len(frame) - 4


@pytest.mark.parametrize("version", VERSIONS)
def test_compiled_readers_read_what_the_obvious_codec_reads(version: int) -> None:
    for number, one in form._requests.items():
        maker = Maker(f"{version} {number}")
        for _ in range(10):
            message = maker.make(one.layout.cls)
            fields = form.request_fields(int(number), message, version)
            assert form.read_request(fields, version) == PlainReader(fields, version).message(
                one.layout.cls, one.layout.items
            )


@pytest.mark.parametrize("version", (157, 163, 170, 178))
def test_both_codecs_find_fault_with_the_same_field(version: int) -> None:
    randomness = random.Random(version)
    faults = 0
    for number, one in form._requests.items():
        maker = Maker(f"{version} {number} spoiled")
        for _ in range(60):
            fields = form.request_fields(int(number), maker.make(one.layout.cls), version)
            at = randomness.randrange(1, len(fields) + 1)
            junk = randomness.choice([["x"], [], ["1", "2"], ["9" * 12], [""], ["1e400"]])
            fields[at : at + 1] = junk
            expected, found = judged(PlainReader(fields, version).message, one.layout), judged(None, fields, version)
            assert found == expected, fields
            faults += isinstance(found, str)
    assert faults > 300


def judged(read: typing.Any, *of: typing.Any) -> object:
    """The message, or the field that it fails at."""
    try:
        return read(of[0].cls, of[0].items) if read else form.read_request(*of)
    except Malformed as malformed:
        return malformed.field.rstrip("0123456789")
    except NotAnIdentity:
        return "no identity"


class Ears:
    """Notes what was decoded, and does nothing with it."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: self.heard.append(name)


@pytest.mark.parametrize("version", LIBRARY_VERSIONS)
def test_ib_insync_decodes_every_reply(version: int, caplog: pytest.LogCaptureFixture) -> None:
    ears = Ears()
    decoder = Decoder(ears, version)
    for cls in form._replies:
        maker = Maker(f"{version} {cls.__name__}")
        for _ in range(5):
            ears.heard.clear()
            with caplog.at_level(logging.ERROR):
                decoder.interpret(form.reply_bytes(maker.make(cls), version)[4:].decode().split("\0")[:-1])
            assert caplog.records == [], cls.__name__
            assert ears.heard, cls.__name__


@pytest.mark.parametrize("version", LIBRARY_VERSIONS)
def test_every_request_that_ib_insync_can_write_is_read_or_known_as_not_simulated(version: int) -> None:
    for name, fields in library_requests(version):
        if fields[0] not in UNSIMULATED:
            message = form.read_request(fields, version)
            assert len(form.request_fields(int(fields[0]), message, version)) == len(fields), name


def test_no_request_is_both_answered_and_turned_down() -> None:
    assert not set(UNSIMULATED) & set(form._requests)


@pytest.mark.parametrize("version", LIBRARY_VERSIONS)
def test_unset_numbers_are_unset_in_every_spelling(version: int) -> None:
    """IB's own client writes the unset price as Python does, TWS as Java does, the others not at all."""
    wire = order_fields(version, ORDERS["plain"])
    at = wire.index("200.5") + 1
    for spelling in ("", "1.7976931348623157E308", "1.7976931348623157e+308"):
        wire[at] = spelling
        request = form.read_request(wire, version)
        assert isinstance(request, PlaceOrder)
        assert (request.order.lmtPrice, request.order.auxPrice) == (200.5, None)


# What TWS takes with an order and tells in no report of it.
NEVER_TOLD = {"transmit", "overridePercentageConstraints", "scaleTable", "activeStartTime", "activeStopTime"}
NEVER_TOLD |= {"algoId", "orderMiscOptions", "extOperator", "mifid2DecisionMaker", "mifid2DecisionAlgo"}
NEVER_TOLD |= {"mifid2ExecutionTrader", "mifid2ExecutionAlgo", "advancedErrorOverride", "manualOrderTime"}
NOT_WHEN_COMPLETED = NEVER_TOLD | {
    "parentId",
    "blockOrder",
    "eTradeOnly",
    "firmQuoteOnly",
    "nbboPriceCap",
    "auctionStrategy",
}
NOT_WHEN_COMPLETED |= {"deltaNeutralSettlingFirm", "deltaNeutralClearingAccount", "deltaNeutralClearingIntent"}
NOT_WHEN_COMPLETED |= {"deltaNeutralOpenClose", "optOutSmartRouting", "whatIf", "adjustedOrderType", "triggerPrice"}
NOT_WHEN_COMPLETED |= {
    "adjustedStopPrice",
    "adjustedStopLimitPrice",
    "adjustedTrailingAmount",
    "adjustableTrailingUnit",
}
NOT_WHEN_COMPLETED |= {"softDollarName", "softDollarValue", "softDollarDisplayName", "discretionaryUpToLimitPrice"}
NOT_WHEN_COMPLETED |= {"usePriceMgmtAlgo", "duration", "postToAts", "basisPoints", "basisPointsType"}
NOT_PLACED = {"basisPoints", "basisPointsType", "comboLegsDescrip", "softDollarDisplayName"}
SINCE = {"duration": 158, "postToAts": 160, "autoCancelParent": 162}
SINCE |= {"advancedErrorOverride": 166, "manualOrderTime": 169}
SINCE |= dict.fromkeys(("minTradeQty", "minCompeteSize", "competeAgainstBestOffset"), 170)
SINCE |= dict.fromkeys(("midOffsetAtWhole", "midOffsetAtHalf"), 170)


def with_every_field(orderType: str) -> OrderForm:
    """An order that says something in every field."""
    values: dict[str, object] = {}
    for count, (name, one) in enumerate(declared(OrderForm).items(), start=1):
        plain = {str: f"{name}", int: count, float: count + 0.25, bool: name != "transmit"}
        values[name] = plain[one.type] if one.plain else ()
    maker = Maker("lists")
    lists = {name: one for name, one in declared(OrderForm).items() if one.many}
    for name, one in lists.items():
        arms = list(variants(one.element).values()) or [one.element] * 2
        values[name] = tuple(maker.make(arm) for arm in arms)
    changes = {"action": "SELL", "orderType": orderType, "competeAgainstBestOffset": math.inf}
    return OrderForm(**(values | changes))  # type: ignore[arg-type]


def differing(one: OrderForm, other: OrderForm) -> set[str]:
    return {name for name in declared(OrderForm) if getattr(one, name) != getattr(other, name)}


def absent(version: int, orderType: str) -> set[str]:
    """The fields that do not travel with an order of this type."""
    late = {name for name, since in SINCE.items() if version < since} | ({"faProfile"} if version >= 177 else set())
    if orderType != "PEG BENCH":
        late |= {"referenceContractId", "isPeggedChangeAmountDecrease", "peggedChangeAmount"}
        late |= {"referenceChangeAmount", "referenceExchangeId"}
    return late


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("orderType", ["LMT", "PEG BENCH", "PEG MID", "PEG BEST"])
def test_every_field_of_an_order_and_all_six_conditions_come_back(version: int, orderType: str) -> None:
    order = with_every_field(orderType)
    contract = Contract(conId=5, symbol="V", secType="BAG", exchange="IBKRATS", currency="USD")
    placed = PlaceOrder(7, contract, "ISIN", "US92826C8394", order)
    read = form.read_request(form.request_fields(3, placed, version), version)
    assert isinstance(read, PlaceOrder)
    pegged = {"PEG BEST": {"minCompeteSize", "competeAgainstBestOffset", "midOffsetAtWhole", "midOffsetAtHalf"}}
    pegged |= {"PEG MID": {"midOffsetAtWhole", "midOffsetAtHalf"}}
    kept_back = pegged["PEG BEST"] - pegged.get(orderType, set())
    assert differing(read.order, order) == NOT_PLACED | absent(version, orderType) | kept_back
    assert (read.contract, read.secIdType, read.secId) == (contract, "ISIN", "US92826C8394")
    assert len(read.order.conditions) == 6
    opened = OpenOrder(7, contract, order, 3, 99, "PreSubmitted")
    told = form.read_reply(OpenOrder, fields_in(form.reply_bytes(opened, version)), version)
    assert differing(told.order, order) == NEVER_TOLD | absent(version, orderType)
    completed = CompletedOrder(contract, order, 99, "Filled", 1.0, None, "", "")
    done = form.read_reply(CompletedOrder, fields_in(form.reply_bytes(completed, version)), version)
    assert differing(done.order, order) == NOT_WHEN_COMPLETED | absent(version, orderType) - {"autoCancelParent"}


def fields_in(frame: bytes) -> list[str]:
    return frame[4:].decode().split("\0")[:-1]
