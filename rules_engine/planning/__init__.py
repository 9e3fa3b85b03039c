"""Rules into plans: at the broker or here, with every reason."""

from rules_engine.planning.explain import explain
from rules_engine.planning.explain_json import explain_json
from rules_engine.planning.plan import plan, plan_all, planning

__all__ = ["explain", "explain_json", "plan", "plan_all", "planning"]
