"""Prices: where they come from, what they are now, and what they were."""
