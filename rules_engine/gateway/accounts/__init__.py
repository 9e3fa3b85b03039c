"""What executions add up to, and the answers about it."""
