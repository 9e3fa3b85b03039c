"""Ticks and time into firings; pure, no clock of its own."""
