"""Firings into orders: journal first, then the risk gate, then the wire."""
