"""Rule tests: recorded prices through the real evaluator."""

from rules_engine.replay.rule_tests import TestResult, run_test

__all__ = ["TestResult", "run_test"]
