"""``streams doctor``: whether this installation is complete, and what is compiled."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import tempfile
from pathlib import Path

import typer

from broker_core.compiled import compiled_modules

LIBRARIES = ("rocksdict", "networkx", "pydantic", "msgspec", "cramjam", "google-crc32c", "cloudpickle", "typer", "rich")


def doctor() -> None:
    """Say what is installed, which modules are compiled, and whether this directory can hold a log."""
    system = f"{platform.system()} {platform.machine()}"
    typer.echo(f"streams-dsl {version()}, Python {platform.python_version()}, {system}")
    for name, compiled in compiled_modules().items():
        typer.echo(f"  {'compiled   ' if compiled else 'interpreted'}  {name}")
    if not all(compiled_modules().values()):
        typer.echo("  interpreted modules work the same, slower; a C compiler at installation compiles them")
    for name in LIBRARIES:
        typer.echo(f"  {name} {importlib.metadata.version(name)}")
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".streams-doctor-"):
        free = shutil.disk_usage(Path.cwd()).free
    typer.echo(f"  this directory is writable, {free / 2**30:.1f} GiB free")


def version() -> str:
    """The installed version, or what to say where none is installed."""
    try:
        return importlib.metadata.version("streams-dsl")
    except importlib.metadata.PackageNotFoundError:
        return "(run from its sources, not installed)"
