"""Declarative rules and alerts for Interactive Brokers."""

__version__ = "0.1.0"
