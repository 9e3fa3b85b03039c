"""Tests of the broker: the real library over a real socket to the gateway."""
