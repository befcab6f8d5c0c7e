"""``streams describe``: what an application is made of, before anything runs."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.loading import AppFile, load_app
from streams.codegen import compile_subtopology
from streams.topology.describe import describe_json, describe_mermaid, describe_text


def describe(
    file: AppFile,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="As a Mermaid flowchart.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    source: Annotated[bool, typer.Option("--source", help="The generated code.")] = False,
) -> None:
    """Sub-topologies, stores and topics of an application."""
    if mermaid + json + source > 1:
        raise typer.BadParameter("give one of --mermaid, --json and --source")
    topology = load_app(file).topology()
    if source:
        for subtopology in topology.subtopologies:
            typer.echo(compile_subtopology(subtopology, cache=True).source)
    elif json:
        typer.echo(describe_json(topology), nl=False)
    elif mermaid:
        typer.echo(describe_mermaid(topology), nl=False)
    else:
        typer.echo(describe_text(topology), nl=False)
