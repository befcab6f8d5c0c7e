"""``streams produce`` and ``streams consume``: records in and out by hand."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from streams.cli.loading import AppOption, BrokerOption, DataDirOption, TopicName, log_config
from streams.model import ColumnBatch
from streams.runtime.access import caller, read_batches, send_records
from streams.serde import Serde, float64, int64, json, utf8


class Format(StrEnum):
    """How keys and values are written and shown."""

    TEXT = "text"
    JSON = "json"
    INT64 = "int64"
    FLOAT64 = "float64"
    HEX = "hex"


SERDES: dict[Format, Serde[Any]] = {
    Format.TEXT: utf8,
    Format.JSON: json,
    Format.INT64: int64,
    Format.FLOAT64: float64,
    Format.HEX: Serde(encode=bytes.fromhex, decode=bytes.hex, id="hex"),
}


ValuesArgument = Annotated[
    list[str] | None, typer.Argument(metavar="VALUE", help="Values; without any, lines of standard input.")
]


def produce(
    topic: TopicName,
    values: ValuesArgument = None,
    key: Annotated[str | None, typer.Option("--key", "-k", help="Key of all of them.")] = None,
    separator: Annotated[str | None, typer.Option("--key-separator", "-K", help="Splits a line in key, value.")] = None,
    app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None,
) -> None:  # fmt: skip
    """Write text records to a topic; returns when they are on disk."""
    config = log_config(broker, data_dir, app_id)
    lines = values if values else (line.rstrip("\n") for line in sys.stdin)
    now_ms = time.time_ns() // 1_000_000
    records = []
    for line in lines:
        own_key, value = key, line
        if separator is not None and separator in line:
            own_key, _, value = line.partition(separator)
        records.append((None if own_key is None else own_key.encode(), value.encode(), now_ms, ()))
    with caller(config, None) as call:
        made = call(lambda client: send_records(client, config, topic, records))
    if made:
        typer.echo(f"there was no topic {topic}; made it, with {config.partitions} partitions", err=True)
    typer.echo(f"{len(records)} {'record' if len(records) == 1 else 'records'} written to {topic}", err=True)


def consume(
    topic: TopicName,
    key: Annotated[Format, typer.Option("--key", "-k", help="How keys are decoded.")] = Format.TEXT,
    value: Annotated[Format, typer.Option("--value", "-v", help="How values are decoded.")] = Format.TEXT,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Stop after so many records.")] = None,
    positions: Annotated[bool, typer.Option("--positions", "-p", help="Partition, offset and time, too.")] = False,
    app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None,
) -> None:  # fmt: skip
    """Print the committed records of a topic, key and value separated by a tab."""
    shown = 0
    with caller(log_config(broker, data_dir, app_id), None) as call:
        for batch in read_batches(call, topic):
            for line in _lines(batch, SERDES[key], SERDES[value], positions):
                typer.echo(line)
                shown += 1
                if shown == limit:
                    return


def _lines(batch: ColumnBatch, key: Serde[Any], value: Serde[Any], positions: bool) -> Iterator[str]:
    for index in range(len(batch.keys)):
        line = f"{_text(key, batch.keys[index])}\t{_text(value, batch.values[index])}"
        if positions:
            offset = batch.base_offset + index if batch.offsets is None else batch.offsets[index]
            line = f"{batch.topic_partition.partition}\t{offset}\t{batch.timestamps[index]}\t{line}"
        yield line


def _text(serde: Serde[Any], data: bytes | None) -> str:
    """Decoded, or the bytes themselves where they are of another format: a look must never fail."""
    if data is None:
        return "null"
    try:
        return str(serde.decode(data))
    except (ValueError, TypeError):
        return repr(data)
