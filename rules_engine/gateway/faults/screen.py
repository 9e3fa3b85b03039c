"""What somebody at the screen of TWS, and the broker behind it, can do to orders and fills."""

from rules_engine.gateway.faults.mishaps import Mishaps
from rules_engine.gateway.messages.order_form import OrderForm
from rules_engine.gateway.orders.checks import Refused
from rules_engine.gateway.orders.corrections import Corrections
from rules_engine.gateway.orders.desk import Desk
from rules_engine.gateway.orders.window import Window


class Screen:
    """Orders of TWS's own window, corrected fills, shares to borrow, contracts that may not be traded."""

    _desk: Desk
    _window: Window
    _corrections: Corrections
    _mishaps: Mishaps

    def place_in_tws(
        self,
        instrument: str | int,
        action: str,
        quantity: float,
        order_type: str = "MKT",
        limit_price: float | None = None,
        stop_price: float | None = None,
        tif: str = "DAY",
        account: str = "",
    ) -> int:
        """Somebody enters an order in TWS's own window; returns its permanent number."""
        form = OrderForm(action, quantity, order_type, limit_price, stop_price, tif, account=account)
        try:
            permId = self._window.enter(self._conId(instrument), form)
        except Refused as refused:
            raise ValueError(str(refused)) from refused
        self._settle()
        return permId

    def modify_in_tws(self, order: str | int, price: float | None = None, quantity: float | None = None) -> None:
        """Somebody changes the price or size of an order in TWS's own window, whoever placed it."""
        try:
            self._window.modify(self._mishaps.find(order).permId, price, quantity)
        except Refused as refused:
            raise ValueError(str(refused)) from refused
        self._settle()

    def cancel_in_tws(self, order: str | int) -> None:
        """Somebody cancels an order in TWS's own window, whoever placed it."""
        self._window.cancel(self._mishaps.find(order).permId)
        self._settle()

    def lend(self, instrument: str | int, shares: float) -> None:
        """From now on this many shares can be borrowed to sell short; sales of more are held (404) until they can."""
        self._desk.lend(self._conId(instrument), shares)
        self._settle()

    def forbid(self, instrument: str | int, forbidden: bool = True) -> None:
        """No account may place new orders in this instrument (203), until it is allowed again."""
        self._desk.forbid(self._conId(instrument), forbidden)

    def correct(self, execId: str, price: float, shares: float) -> str:
        """The exchange corrects a fill of today: a new report under its next number. Returns the new id."""
        corrected = self._corrections.correct(execId, price, shares)
        self._settle()
        return corrected

    def _settle(self) -> None:
        """What happened is written and told."""
        raise NotImplementedError

    def _conId(self, instrument: str | int) -> int:
        """The number of an instrument that is named by its symbol or number; KeyError when there is none."""
        raise NotImplementedError
