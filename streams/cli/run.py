"""``streams run``: an application in this process, with its live line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from streams.cli.loading import AppFile, BrokerOption, load_app
from streams.runtime.run import run_app


def run(
    file: AppFile,
    until_end: Annotated[bool, typer.Option("--until-end", help="Stop when all input is processed.")] = False,
    accept: Annotated[bool, typer.Option("--accept", help="Let go of state that the topology no longer has.")] = False,
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Whether updates of a key are merged.")] = True,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No live line.")] = False,
    broker: BrokerOption = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Where log and state are.")] = None,
    guarantee: Annotated[str | None, typer.Option("--guarantee", help="exactly_once or at_least_once.")] = None,
    commit_interval_ms: Annotated[int | None, typer.Option("--commit-interval-ms", min=1)] = None,
) -> None:
    """Run an application until Ctrl-C (which commits and stops) or, with --until-end, until its input is processed."""
    given: dict[str, Any] = {
        "broker": broker,
        "data_dir": data_dir,
        "guarantee": guarantee,
        "commit_interval_ms": commit_interval_ms,
    }
    overrides = {name: value for name, value in given.items() if value is not None}
    app = load_app(file)
    run_app(app, until_end=until_end, overrides=overrides, accept=accept, cache=cache, quiet=quiet, own_process=True)
