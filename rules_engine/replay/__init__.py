"""Rule tests: recorded prices through the real evaluator."""
