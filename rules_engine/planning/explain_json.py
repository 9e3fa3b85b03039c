"""A plan field by field, orders in IB's own names and values."""

from rules_engine.model.json_value import Json
from rules_engine.model.plan import HeldCase, History, Plan
from rules_engine.planning.defaults import defaults_of
from rules_engine.planning.ib_words import Spelled, spelled_unit
from rules_engine.planning.survival import survival


def explain_json(plan: Plan) -> dict[str, Json]:
    """The same as `explain`, for machines. IB's contract numbers are 0 until IB has been asked."""
    rule = plan.rule
    return {
        "rule": rule.name,
        "enabled": rule.enabled,
        "where": str(plan.where),
        "reasons": plan.reasons,
        "cases": [
            {
                "when": case.text or str(case.when),
                "event": case.when.is_event,
                "do": [str(action) for action in case.actions],
            }
            for case in rule.cases
        ],
        "held": [_held(case) for case in plan.held],
        "reads": sorted(map(str, plan.reads)),
        "orders_in": sorted(map(str, plan.orders_in)),
        "history": [_history(history) for history in plan.history],
        "defaults": [{"key": default.key, "value": default.value} for default in defaults_of(plan)],
        "survives": dict(survival(plan)),
    }


def _held(case: HeldCase) -> Json:
    return {
        "arming": None if case.arming is None else str(case.arming),
        "orders": [_order(spelled) for spelled in spelled_unit(case.unit)],
    }


def _order(spelled: Spelled) -> Json:
    return {"contract": spelled.contract, **spelled.order, "conditions": spelled.conditions}


def _history(history: History) -> Json:
    return {
        "instrument": history.instrument.name,
        "field": str(history.field),
        "duration_s": history.duration_s,
        "bar_count": history.bar_count,
        "bar_s": history.bar_s,
    }
