"""Declarative rules and alerts for Interactive Brokers."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules_engine.engine import Engine
    from rules_engine.model.firing import Firing
    from rules_engine.model.place import RulesError

__version__ = "0.1.0"
__all__ = ["Engine", "Firing", "RulesError", "__version__"]


def __getattr__(name: str) -> object:
    """The library face, loaded when it is first asked for: commands start without it."""
    match name:
        case "Engine":
            from rules_engine.engine import Engine

            return Engine
        case "Firing":
            from rules_engine.model.firing import Firing

            return Firing
        case "RulesError":
            from rules_engine.model.place import RulesError

            return RulesError
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
