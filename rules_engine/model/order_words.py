"""An order's quantities and prices as people write them."""

from decimal import Decimal

from rules_engine.model.order import OrderDraft, OrderKind


def plain(number: Decimal) -> str:
    """Without exponent or trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def pricing_words(draft: OrderDraft) -> str:
    """`at limit 400`, `at stop 500 limit 500.5`, `trailing 2%`."""
    match draft.kind:
        case OrderKind.LIMIT:
            return f"at limit {_price(draft.limit)}"
        case OrderKind.STOP:
            return f"at stop {_price(draft.stop)}"
        case OrderKind.STOP_LIMIT:
            return f"at stop {_price(draft.stop)} limit {_price(draft.limit)}"
        case OrderKind.TRAILING if draft.trail_percent is not None:
            return f"trailing {plain(draft.trail_percent)}%"
        case OrderKind.TRAILING:
            return f"trailing {_price(draft.trail_amount)} points"
        case kind:
            return f"at {kind}"


def _price(price: Decimal | None) -> str:
    return "?" if price is None else plain(price)
