"""``streams log``: the files of an embedded log, looked at and repaired without a broker."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterable
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
from broker_core.repair import DirectoryCheck, LogUsage, usage
from streams.cli.tables import show
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
    show(table, console)
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
        total = sum(map(_bytes_of, map(_root(directory).joinpath, map(directory_of, damaged))))
        label = f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}"
        done = {}
        with _progress() as progress:
            task = progress.add_task("copying", total=total)
            for partition, inspection in damaged.items():
                copy = check.repair(partition, inspection, label, lambda size: progress.advance(task, size))
                done[partition] = (copy, check.next_offset(partition, inspection))
        for partition, (copy, following) in done.items():
            typer.echo(
                f"{partition}: cut off, goes on at offset {following}; what was there is in {_root(directory) / copy}"
            )
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
    paths = [path for name in names for path in sorted((root / "logs" / name).glob("*.log"))]
    with _progress(hidden=sys.stdout.isatty()) as progress:
        task = progress.add_task("dumping", total=sum(path.stat().st_size for path in paths))
        for path in paths:
            typer.echo(f"{path.parent.name}/{path.name}")
            try:
                for position, header, data, start in batches_of(filesystem, f"logs/{path.parent.name}/{path.name}"):
                    typer.echo(f"  @{position} {_header(header)}")
                    progress.advance(task, header.size_bytes)
                    if records and not header.is_control:
                        _dump_records(data, start, header)
            except BadBatchError as error:
                typer.echo(f"  DAMAGE at {error}")


@app.command("usage")
def show_usage(
    directory: Directory,
    partitions: Annotated[bool, typer.Option("--partitions", "-p", help="A row for each partition.")] = False,
) -> None:
    """Disk space by topic, the largest first; also while a process has the log open."""
    root = _root(directory)
    filesystem = OsFilesystem(str(root))
    rows: dict[str, list[LogUsage]] = {}
    for name, log in usage(filesystem).items():
        rows.setdefault(name if partitions else name.rpartition("-")[0] or name, []).append(log)
    sums = {name: _total(logs) for name, logs in rows.items()}
    table = Table("partition" if partitions else "topic", "partitions", "segments", "logs", "beside", "all", box=None)
    for name in sorted(sums, key=lambda name: (-sums[name].log_bytes, name)):
        table.add_row(name, str(len(rows[name])), *_usage_cells(sums[name]))
    if len(sums) > 1:
        table.add_row("all", str(sum(map(len, rows.values()))), *_usage_cells(_total(sums.values())))
    console = Console()
    show(table, console)
    console.print(f"{_size(filesystem.free_bytes())} free", highlight=False)


def _total(logs: Iterable[LogUsage]) -> LogUsage:
    return LogUsage(*map(sum, zip(*logs, strict=True)))


def _usage_cells(log: LogUsage) -> tuple[str, str, str, str]:
    return str(log.segments), _size(log.log_bytes), _size(log.beside_bytes), _size(log.log_bytes + log.beside_bytes)


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
    found: dict[TopicPartition, Inspection] = {}
    with _progress() as progress:
        task = progress.add_task("checking", total=total)
        for partition in check.partitions():
            progress.update(task, description=directory_of(partition))
            found[partition] = check.inspect(partition, lambda size: progress.advance(task, size))
    return found


def _progress(*, hidden: bool = False) -> Progress:
    """A bar on standard error for as long as the work lasts."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=hidden)


def _bytes_of(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.glob("*"))


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:,.1f} MiB" if size_bytes >= 2**20 else f"{size_bytes:,} B"
