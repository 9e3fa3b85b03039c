"""News of one order -> the notice that tells it."""

from collections.abc import Sequence

from rules_engine.model.intent import Intent
from rules_engine.model.notice import Notice, NoticeKind


def order_notice(
    kind: NoticeKind, intent: Intent, text: str, *, occasion: str, at_s: float, channels: Sequence[str]
) -> Notice:
    """``occasion`` tells news of this kind about this order from other such news: the same one is told once."""
    return Notice(
        kind=kind,
        text=f"{intent.rule}: {text}",
        dedup=f"{intent.key}.{kind}.{occasion}",
        at_s=at_s,
        channels=tuple(channels),
        rule=intent.rule,
        key=intent.key,
    )
