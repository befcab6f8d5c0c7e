"""``streams run``: an application in this process, with its live line."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from streams.cli.loading import AppFile, BrokerOption, load_app
from streams.runtime.run import run_app

SIGNAL_STATUS: Final = 128
"""A shell's convention: a process that a signal ended has status 128 and the signal's number."""


def run(
    file: AppFile,
    until_end: Annotated[bool, typer.Option("--until-end", help="Stop when all input is processed.")] = False,
    accept: Annotated[bool, typer.Option("--accept", help="Let go of state that the topology no longer has.")] = False,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Whether updates of a key between two commits leave as one.")
    ] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No live line.")] = False,
    broker: BrokerOption = None,
    listen: Annotated[
        str | None,
        typer.Option("--listen", metavar="HOST:PORT", help="Serve the embedded log to Kafka's tools meanwhile."),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="DIR", help="Where log and state are; default .streams/<id>.")
    ] = None,
    guarantee: Annotated[str | None, typer.Option("--guarantee", help="exactly_once or at_least_once.")] = None,
    commit_interval_ms: Annotated[
        int | None, typer.Option("--commit-interval-ms", min=1, help="How often to commit.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Any other setting; repeatable.")
    ] = None,
) -> None:
    """Run an application until Ctrl-C (which commits and stops) or, with --until-end, until its input is processed."""
    given: dict[str, Any] = {
        "broker": broker,
        "listen": listen,
        "data_dir": data_dir,
        "guarantee": guarantee,
        "commit_interval_ms": commit_interval_ms,
    }
    overrides = {**_named(settings or ()), **{name: value for name, value in given.items() if value is not None}}
    app = load_app(file)
    signals: list[int] = []
    run_app(
        app, until_end=until_end, overrides=overrides, accept=accept, cache=cache, quiet=quiet, own_process=True,
        on_signal=signals.append,
    )  # fmt: skip
    if signals:
        name = signal.Signals(signals[0]).name
        typer.echo(f"stopped by {name}: what was processed is committed; run it again to go on from there", err=True)
        raise typer.Exit(SIGNAL_STATUS + signals[0])


def _named(settings: Sequence[str]) -> dict[str, str]:
    """The settings of ``--set``; ``typer.BadParameter`` for one without a value."""
    found = {}
    for setting in settings:
        name, sign, value = setting.partition("=")
        if not sign:
            raise typer.BadParameter(f"{setting!r}: name=value, such as partitions=8")
        found[name.strip()] = value
    return found
