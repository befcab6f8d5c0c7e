"""``streams log``: the files of an embedded log, looked at and repaired without a broker."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table

from broker_core.log.inspection import Inspection, batches_of
from broker_core.log.scan import BadBatchError
from broker_core.model import TopicPartition
from broker_core.os_filesystem import OsFilesystem
from broker_core.partition_directories import directory_of
from broker_core.protocol.batch import BatchHeader, decode_batch
from broker_core.protocol.compression import Codec
from broker_core.repair import DirectoryCheck
from streams.errors import ConfigError, StreamsError

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="An application's data directory, or the log in it.")]


@app.command("verify")
def verify(directory: Directory) -> None:
    """Check every byte of every file; nothing is changed. Status 1 if records are lost or damaged."""
    check = _check(directory)
    try:
        found = _inspect_all(check, _root(directory))
        strays = check.strays()
    finally:
        check.close()
    table = Table("log", "segments", "records", "offsets", "size", "state", box=None)
    for partition, inspection in found.items():
        state = "damaged" if inspection.is_damaged else "to be healed" if inspection.findings else "good"
        offsets = f"{inspection.start_offset:,} - {inspection.end_offset:,}"
        table.add_row(
            str(partition), str(inspection.segments), f"{inspection.records:,}", offsets, _size(inspection.size_bytes),
            state,
        )  # fmt: skip
    console = Console()
    console.print(table)
    for inspection in found.values():
        for finding in inspection.findings:
            console.print(f"{'DAMAGE' if finding.is_damage else 'note'}: {finding}", markup=False, soft_wrap=True)
    for name in strays:
        console.print(f"note: logs/{name} belongs to no topic; the next start removes it", markup=False)
    if check.in_use:
        console.print("note: a process has this log open; its last writes may look unfinished", markup=False)
    damaged = [str(partition) for partition, inspection in found.items() if inspection.is_damaged]
    if damaged:
        raise StreamsError(
            f"damaged: {', '.join(damaged)}. Restore these directories from a backup, or cut the logs off at the "
            f"damage with 'streams log repair {directory}', which copies them aside first"
        )


@app.command("repair")
def repair(
    directory: Directory,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Cut damaged logs off at their first damage. Everything of them is copied aside first."""
    check = _check(directory)
    try:
        found = _inspect_all(check, _root(directory))
        damaged = {partition: each for partition, each in found.items() if each.is_damaged}
        if not damaged:
            typer.echo("nothing is damaged")
            return
        for partition, inspection in damaged.items():
            first = next(finding for finding in inspection.findings if finding.is_damage)
            typer.echo(f"{partition}: kept up to offset {inspection.end_offset}; damage: {first}")
        if not yes:
            typer.confirm("copy these logs aside and cut them off there?", abort=True)
        label = f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}"
        for partition, inspection in damaged.items():
            copy = check.repair(partition, inspection, label)
            typer.echo(f"{partition}: cut off; what was there is in {_root(directory) / copy}")
    finally:
        check.close()


@app.command("dump")
def dump(
    directory: Directory,
    topic: Annotated[str, typer.Argument(help="Topic, or topic-partition.")],
    records: Annotated[bool, typer.Option("--records", "-r", help="Keys and values, too.")] = False,
) -> None:
    """Print the batches of a topic as they lie in its files, up to the first damage."""
    root = _root(directory)
    filesystem = OsFilesystem(str(root))
    names = [path.name for path in sorted((root / "logs").glob("*")) if path.name.rpartition("-")[0] == topic]
    if (root / "logs" / topic).is_dir():
        names = [topic]
    if not names:
        raise ConfigError(f"there is no log of {topic!r} in {root / 'logs'}")
    for name in names:
        for path in sorted((root / "logs" / name).glob("*.log")):
            typer.echo(f"{name}/{path.name}")
            try:
                for position, header, data, start in batches_of(filesystem, f"logs/{name}/{path.name}"):
                    typer.echo(f"  @{position} {_header(header)}")
                    if records and not header.is_control:
                        _dump_records(data, start, header)
            except BadBatchError as error:
                typer.echo(f"  DAMAGE at {error}")


def _dump_records(data: bytes, start: int, header: BatchHeader) -> None:
    columns = decode_batch(data, start, header)
    for index, key in enumerate(columns.keys):
        offset = columns.base_offset + index if columns.offsets is None else columns.offsets[index]
        typer.echo(f"    {offset} {columns.timestamps[index]} {key!r} {columns.values[index]!r}")


def _header(header: BatchHeader) -> str:
    kinds = [
        Codec(header.codec).name.lower() if header.codec else "",
        "transactional" if header.is_transactional else "",
        "marker" if header.is_control else "",
        "LogAppendTime" if header.is_log_append_time else "",
    ]
    producer = f" producer {header.producer_id}/{header.producer_epoch}/{header.base_sequence}"
    return (
        f"offsets {header.base_offset}-{header.last_offset} records {header.record_count} bytes {header.size_bytes} "
        f"epoch {header.partition_leader_epoch} time {header.max_timestamp}"
        f"{producer if header.producer_id >= 0 else ''} {' '.join(filter(None, kinds))}".rstrip()
    )


def _root(directory: Path) -> Path:
    """The log inside of an application's data directory, or the directory itself."""
    inside = directory / "log"
    root = inside if (inside / "catalog").exists() else directory
    if not root.is_dir():
        raise ConfigError(f"there is no directory {directory}")
    return root


def _check(directory: Path) -> DirectoryCheck:
    return DirectoryCheck(OsFilesystem(str(_root(directory))))


def _inspect_all(check: DirectoryCheck, root: Path) -> dict[TopicPartition, Inspection]:
    total = sum(path.stat().st_size for path in (root / "logs").glob("*/*.log"))
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    found: dict[TopicPartition, Inspection] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("checking", total=total)
        for partition in check.partitions():
            progress.update(task, description=directory_of(partition))
            found[partition] = check.inspect(partition, lambda size: progress.advance(task, size))
    return found


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:,.1f} MiB" if size_bytes >= 2**20 else f"{size_bytes:,} B"
