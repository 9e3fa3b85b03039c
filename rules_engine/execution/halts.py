"""What keeps a journal, or one of its rules, from trading until the user has looked."""

import json
from collections.abc import Mapping, Sequence

from rules_engine.execution.journal import Journal
from rules_engine.model.clock import Clock
from rules_engine.model.notice import Notice, NoticeKind

_ENGINE, _RULES, _RESET = "halted", "halted rules", "account reset"
_ACCEPTED, _ADOPTING = "accepted references", "adopting"


class Halts:
    """Durable. IB knowing more than the journal halts everything, since the journal is then new, or an old copy, or
    somebody else trades under its client id; so does an account that looks as if it was reset. Two orders for one
    intent halt the intent's rule."""

    def __init__(self, journal: Journal, clock: Clock, everyone: tuple[str, ...]) -> None:
        self._journal = journal
        self._clock = clock
        self._everyone = everyone

    @property
    def engine(self) -> str:
        """Why nothing at all may be sent; empty when orders may leave."""
        return self._journal.get(_ENGINE) or self._journal.get(_RESET) or ""

    @property
    def rules(self) -> Mapping[str, str]:
        """Rules for which nothing may be sent, each with the reason."""
        found: dict[str, str] = json.loads(self._journal.get(_RULES) or "{}")
        return found

    def client(self, client_id: int) -> None:
        """The journal trades under one client id, since IB lets only that one cancel what it sent. Under another one it
        is a copy, whose rules may be firing elsewhere too, or its settings were changed."""
        name = self._journal.own("client id")
        known = self._journal.get(name)
        if known is None or self._journal.get(_ADOPTING):
            self._journal.put(name, str(client_id))
        elif known != str(client_id):
            what = f"the journal belongs to client id {known}, and the settings say {client_id}"
            self._halt_engine(
                f"{what}; what was sent under {known} can be cancelled in TWS only", f"client {client_id}"
            )

    def strangers(self, references: Sequence[str]) -> None:
        """Orders in our own name that the journal does not know."""
        unknown = [reference for reference in references if reference not in self._accepted]
        if self._journal.get(_ADOPTING):
            self._accept(unknown)
        elif unknown:
            shown = _shown(unknown)
            self._halt_engine(f"IB holds an order in our name that the journal does not know: {shown}", unknown[0])

    def counted(self, scope: str, newest_id: int, orphans: Sequence[str]) -> None:
        """``newest_id``: the highest order id that IB has seen from our client id at the gateway ``scope``.

        Where nothing is known of that yet, it is believed; unless IB shows ``orphans``, orders from our client id that
        an engine sent and this journal does not know: then that engine's journal is lost.
        """
        name = f"order ids at {scope}"
        known = self._journal.get(name)
        if self._journal.get(_ADOPTING) or (known is None and not orphans):
            self._journal.put(name, str(newest_id))
        elif known is None:
            what = "orders that an engine sent from our client id and this journal does not know"
            self._halt_engine(f"IB shows {what}: {_shown(orphans)}", orphans[0])
        elif newest_id > (most := max(int(known), self._journal.order_id_high_water)):
            self._halt_engine(
                f"IB has counted order ids up to {newest_id} from our client id, the journal knows {most}",
                str(newest_id),
            )

    def adopted(self) -> None:
        """A reconciliation has taken in what there is: from here on everything new is suspicious again."""
        if self._journal.get(_ADOPTING):
            self._journal.put(_ADOPTING, "")

    def double(self, rule: str, reference: str, numbers: Sequence[str], *, alive: bool) -> None:
        """IB has had more than one order for one intent. ``alive``: several of them may still fill."""
        if rule in self.rules or (not alive and reference in self._accepted):
            return
        shown = " and ".join(numbers)
        why = f"IB has {'' if alive else 'had '}two orders for one intent: {reference}, IB's numbers {shown}"
        with self._journal.transaction():
            self._journal.put(_RULES, json.dumps({**self.rules, rule: why}))
            self._accept([reference])
            self._journal.event(reference, "rule halted", {"rule": rule, "why": why})
            self._alarm(
                f"{rule}: {why}. Nothing more is sent for this rule. Look in TWS, cancel what is too much,"
                f" then: rules resume {rule}",
                reference,
                rule,
            )

    def account_reset(self, instruments: Sequence[str]) -> None:
        """All positions of the account are gone, and nothing explains it."""
        if self._journal.get(_RESET):
            return
        names = _shown(instruments)
        why = f"all positions of the account are gone and no trade explains it: {names}"
        with self._journal.transaction():
            self._journal.put(_RESET, why)
            self._journal.event("", "halted", {"why": why})
            advice = "Was the account reset, or everything closed by hand or expired?"
            self._alarm(f"{why}. {advice} Nothing more is sent. Look in TWS, then: rules resume", "account reset", "")

    def go_on(self) -> str:
        """The user knows why the positions are gone. Returns what it was that halted."""
        why = self._journal.get(_RESET) or ""
        if why:
            with self._journal.transaction():
                self._journal.put(_RESET, "")
                self._journal.event("", "halt lifted", {"why": why})
        return why

    def adopt(self) -> str:
        """The user has looked: what IB has is right, whatever the journal says. Returns what it was that halted."""
        why = self._journal.get(_ENGINE) or ""
        if why:
            with self._journal.transaction():
                self._journal.put(_ENGINE, "")
                self._journal.put(_ADOPTING, "1")
                self._journal.event("", "adopted", {"why": why})
        return why

    def resume(self, rule: str) -> str:
        """The user has looked into what halted the rule. Returns what it was."""
        rules = dict(self.rules)
        why = rules.pop(rule, "")
        if why:
            with self._journal.transaction():
                self._journal.put(_RULES, json.dumps(rules))
                self._journal.event("", "rule halt lifted", {"rule": rule})
        return why

    @property
    def _accepted(self) -> Sequence[str]:
        found: list[str] = json.loads(self._journal.get(_ACCEPTED) or "[]")
        return found

    def _accept(self, references: Sequence[str]) -> None:
        if references:
            self._journal.put(_ACCEPTED, json.dumps(sorted({*self._accepted, *references})))

    def _halt_engine(self, why: str, occasion: str) -> None:
        if self._journal.get(_ENGINE):
            return
        with self._journal.transaction():
            self._journal.put(_ENGINE, why)
            self._journal.event("", "halted", {"why": why})
            advice = "Is the journal a new one or an old copy, or does another program use our client id?"
            self._alarm(f"{why}. {advice} Nothing more is sent. Look in TWS, then: rules adopt", occasion, "")

    def _alarm(self, text: str, occasion: str, rule: str) -> None:
        now_s = self._clock.now_s()
        dedup = f"{occasion}.halt.{now_s:.0f}"
        self._journal.tell(Notice(NoticeKind.ALARM, text, dedup, now_s, self._everyone, rule=rule))


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
