"""Our words and IB's: the only package that names ib_insync."""

from rules_engine.broker.connection import Connection
from rules_engine.broker.contracts import Qualified, Unqualified
from rules_engine.broker.history import Past
from rules_engine.broker.inbox import Inbox, Item, Report
from rules_engine.broker.link import Link

__all__ = ["Connection", "Inbox", "Item", "Link", "Past", "Qualified", "Report", "Unqualified"]
