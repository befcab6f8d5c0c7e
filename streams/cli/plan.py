"""``streams plan``: what running an application as it is now would do to the state of its last run."""

from __future__ import annotations

import json as standard_json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text

from streams.cli.loading import AppFile, load_app
from streams.cli.tables import show
from streams.runtime.manifest_file import changes_since_last_run, has_run
from streams.topology.changes import Change, Effect

REFUSED_STATUS: Final = 3
"""Of the process, where ``run`` would refuse; errors have 1 and mistakes on the command line 2."""

_STYLES: Final[Mapping[Effect, str]] = {
    Effect.KEEPS: "green",
    Effect.ADDS: "green",
    Effect.MIGRATES: "yellow",
    Effect.LEAVES: "yellow",
    Effect.ORPHANS: "red",
    Effect.BREAKS: "bold red",
}


def plan(
    file: AppFile,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    accept: Annotated[bool, typer.Option("--accept", help="Judge as 'run --accept' would.")] = False,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Where log and state are; default .streams/<id>.")
    ] = None,
) -> None:
    """What a run keeps, adds, migrates, orphans or breaks; status 3 where 'run' would refuse. Changes nothing.

    Partition counts of topics are compared when the application starts: they are the log's, not the file's.
    """
    app = load_app(file)
    directory = Path(app.config({"data_dir": data_dir} if data_dir else {}).data_dir)
    changes = changes_since_last_run(directory, app.topology())
    refused = any(change.is_refused(accept=accept) for change in changes)
    if json:
        typer.echo(standard_json.dumps(_as_json(app.id, directory, changes, accept, refused), indent=2))
    elif not has_run(directory):
        typer.echo(f"{app.id} has not run in {directory} yet: there is no state to keep")
    else:
        _show(changes)
        typer.echo(_verdict(changes, accept=accept))
    if refused:
        raise typer.Exit(REFUSED_STATUS)


def _as_json(app_id: str, directory: Path, changes: Sequence[Change], accept: bool, refused: bool) -> dict[str, Any]:
    return {
        "application_id": app_id,
        "data_dir": str(directory),
        "has_run": has_run(directory),
        "accept": accept,
        "refused": refused,
        "changes": [
            {
                "effect": change.effect.value,
                "kind": change.kind,
                "name": change.name,
                "detail": change.detail,
                "refused": change.is_refused(accept=accept),
            }
            for change in changes
        ],
    }


def _show(changes: Sequence[Change]) -> None:
    table = Table("effect", "what", "name", "", box=None)
    for change in changes:
        style = _STYLES[change.effect]
        table.add_row(
            Text(change.effect.value, style=style), change.kind, Text(change.name, overflow="fold"), Text(change.detail)
        )
    show(table)


def _verdict(changes: Sequence[Change], *, accept: bool) -> str:
    broken = sum(change.is_refused(accept=True) for change in changes)
    orphaned = sum(change.effect is Effect.ORPHANS for change in changes)
    if broken:
        return f"run refuses this, also with --accept: {broken} of these cannot be read any more"
    if orphaned and not accept:
        return f"run refuses this without --accept: {orphaned} of these would be left behind"
    return "run goes on with this"
