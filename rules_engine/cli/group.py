"""The command line's subcommands, one a file: each is imported only when it is called."""

import gc
import importlib

import click

from rules_engine import __version__

COMMANDS = {
    "check": "Check rule files; print every problem with its place.",
    "explain": "Say what a rule waits for, where it runs and why.",
    "test": "Run the tests written beside the rules.",
    "backtest": "What the rules would have done on recorded prices.",
    "demo": "Show the whole path on the embedded gateway, in half a minute.",
    "run": "Run the engine.",
    "status": "What the engine and each rule are doing.",
    "fires": "What fired, was held back or missed.",
    "orders": "What was meant, sent and filled.",
    "audit": "Whether the journal balances and is whole.",
    "reload": "Read the rule files again; --dry only shows what would change.",
    "pause": "Make a rule, or all rules, deaf.",
    "resume": "Make a paused rule, or all rules, listen again.",
    "rearm": "Arm a rule that is done or broken.",
    "resolve": "Settle an order whose fate is unknown.",
    "adopt": "Go on with what IB has, where the journal knows less.",
    "stop": "Kill switch: send nothing more, and cancel our orders.",
    "gateway": "Serve a simulated IB gateway.",
}

LASTING = frozenset({"run", "gateway", "demo", "backtest"})
"""Commands that go on until they are stopped, or long. The others end before collecting garbage could pay."""


class LazyGroup(click.Group):
    """Knows its commands by name and imports the module of the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name in LASTING:
            gc.enable()
        command: click.Command = importlib.import_module(f"rules_engine.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rules")
def group() -> None:
    """Market rules in plain sentences, for Interactive Brokers."""
