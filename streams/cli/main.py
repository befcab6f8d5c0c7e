"""The command ``streams``: puts the command groups together and turns errors into one message and an exit status.

What a command does is in the module of its group; nothing of the engine is here.
"""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from broker_core.errors import BrokerError, StorageError
from state.errors import StateError
from streams.cli import describe, doctor, records, run, topics
from streams.errors import ProcessingError, StreamsError

app = typer.Typer(
    name="streams",
    help="Kafka Streams for Python, log included.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run.run)
app.command("describe")(describe.describe)
app.command("produce")(records.produce)
app.command("consume")(records.consume)
app.command("doctor")(doctor.doctor)
app.add_typer(topics.app, name="topics", help="List, create, describe and delete topics.")


def main() -> None:
    """Entry point. Errors of ours are one message on standard error and status 1, without a traceback of our code."""
    try:
        app()
    except (StreamsError, StateError, StorageError, BrokerError) as error:
        report(error, Console(stderr=True))
        sys.exit(1)


def report(error: Exception, console: Console) -> None:
    """Print an error as a person should see it; of a failing user function also the user's own traceback."""
    if isinstance(error, ProcessingError) and error.__cause__ is not None:
        import traceback

        console.print("".join(traceback.format_exception(error.__cause__)), markup=False, highlight=False, end="")
    console.print(f"error: {error}", style="bold red", markup=False, highlight=False, soft_wrap=True)
