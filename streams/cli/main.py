"""The command ``streams``: puts the command groups together and turns errors into one message and an exit status.

What a command does is in the module of its group; nothing of the engine is here.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Annotated

import typer
from rich.console import Console

import broker_core
import state
import streams
from broker_core.errors import BrokerError, StorageError
from state.errors import StateError
from streams.cli import broker, describe, dlq, doctor, groups, log, plan, records, run, topics
from streams.errors import StreamsError

_OUR_PACKAGES = tuple(Path(package.__path__[0]) for package in (broker_core, state, streams))

app = typer.Typer(
    name="streams",
    help="Kafka Streams for Python, log included.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"streams-dsl {doctor.version()}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Kafka Streams for Python, log included."""


app.command("run", epilog="Example: streams run word_count.py --until-end")(run.run)
app.command("broker", epilog="Example: streams broker --listen 127.0.0.1:9092 --data-dir data")(broker.broker)
app.command("describe", epilog="Example: streams describe word_count.py --mermaid")(describe.describe)
app.command("plan", epilog="Example: streams plan word_count.py")(plan.plan)
app.command("produce", epilog="Example: streams produce lines --app word-count 'the quick brown fox'")(records.produce)
app.command("consume", epilog="Example: streams consume word-counts --app word-count --value json")(records.consume)
app.command("doctor")(doctor.doctor)
app.add_typer(dlq.app, name="dlq", help="List dead letters and send them back.")
app.add_typer(topics.app, name="topics", help="List, create, describe, alter and delete topics; count records.")
app.add_typer(groups.app, name="groups", help="List, describe and delete groups.")
app.command("lag", epilog="Example: streams lag word-count --broker localhost:9092")(groups.lag)
app.add_typer(log.app, name="log", help="Verify, dump and repair the files of an embedded log.")


def main() -> None:
    """Entry point. Errors of ours are one message on standard error and status 1, without a traceback of our code."""
    try:
        app()
    except (StreamsError, StateError, StorageError, BrokerError) as error:
        report(error, Console(stderr=True))
        sys.exit(1)


def report(error: Exception, console: Console) -> None:
    """Print an error as a person should see it; where the user's own code raised, after their part of the traceback."""
    cause = error.__cause__
    if cause is not None and isinstance(error, StreamsError):  # behind the other errors is no code of the user
        shown = _users_part(cause.__traceback__)
        if shown is not None or isinstance(cause, SyntaxError):
            text = "".join(traceback.format_exception(type(cause), cause, shown))
            console.print(text, markup=False, highlight=False, soft_wrap=True, end="")
    console.print(f"error: {error}", style="bold red", markup=False, highlight=False, soft_wrap=True)


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    """A traceback from the first frame on that is neither ours, nor generated, nor Python's import machinery."""
    while trace is not None:
        filename = trace.tb_frame.f_code.co_filename
        if not filename.startswith("<") and not any(Path(filename).is_relative_to(path) for path in _OUR_PACKAGES):
            return trace
        trace = trace.tb_next
    return None
