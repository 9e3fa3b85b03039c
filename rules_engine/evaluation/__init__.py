"""Ticks and time into firings; pure: no input or output, no await, no clock."""

from rules_engine.evaluation.evaluator import Evaluator

__all__ = ["Evaluator"]
