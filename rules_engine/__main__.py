"""`python -m rules_engine` is the `rules` command."""

from rules_engine.cli import main

# Worker processes of a backtest import this module again.
if __name__ == "__main__":
    main()
