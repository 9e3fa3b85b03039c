"""The vocabulary: what rules, orders and the market are called here. Standard library only."""
