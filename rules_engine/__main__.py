"""`python -m rules_engine` is the `rules` command."""

from rules_engine.cli import main

main()
