"""Whether a unit that IB shows no trace of certainly never arrived, so that it may go out once more.

It then goes out under its own order ids and references. A gateway knows an order id only once: should the first copy
be on its way after all, one of the two is refused as a repetition, or changes nothing. That holds within one gateway
process only, and is worth nothing where any of these witnesses is missing.
"""

from collections.abc import Sequence

from rules_engine.execution.session import Session
from rules_engine.model.intent import Intent, IntentState
from rules_engine.model.order import OrderKind
from rules_engine.model.settings import Settings

SENT_AGAIN = "sent once more, under the same number"
"""Stands as the reason of an intent that was; it is not done twice."""


def certainly_unarrived(
    unit: Sequence[Intent], session: Session, *, outage_s: float, now_s: float, settings: Settings
) -> bool:
    """``unit`` is absent from complete evidence of ``session``, twice, and settled. ``outage_s`` is when IB's own link
    was last lost (1100). True only as long as nothing else is sent: to be asked again right before the second copy."""
    return all(
        leg.state is IntentState.SENDING
        and not leg.reason  # Neither sent twice, nor answered by an error of IB.
        and leg.perm_id is None
        and not leg.cancel_wanted
        and leg.gateway_mark == session.link.mark
        and leg.order_id is not None
        and session.next_order_id <= leg.order_id  # The gateway has never counted it, nor anything after it.
        and leg.sent_s is not None
        and outage_s < leg.sent_s
        and 0 <= now_s - leg.sent_s < _within_s(unit, settings)
        and (leg.expires_s is None or now_s < leg.expires_s)
        for leg in unit
    )


def _within_s(unit: Sequence[Intent], settings: Settings) -> float:
    takes_any_price = any(leg.draft.kind is OrderKind.MARKET and not leg.draft.conditions for leg in unit)
    return settings.resend_market_within_s if takes_any_price else settings.resend_within_s
