"""What goes wrong on command: from a test, a script, a seed or another program."""
