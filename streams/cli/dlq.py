"""``streams dlq``: look at dead letters, and send them back to where they came from."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from streams.cli.loading import AppOption, BrokerOption, DataDirOption, TopicName, log_config
from streams.cli.tables import show
from streams.dead_letters import origin_of
from streams.runtime.access import caller, read_batches
from streams.runtime.redriving import redrive, redrive_positions

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

LimitOption = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many.")]


@app.command("list")
def list_letters(
    topic: TopicName, limit: LimitOption = None,
    app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None,
) -> None:  # fmt: skip
    """The dead letters in a topic: where each came from, what it failed on, and whether it was sent back."""
    table = Table("partition", "offset", "operator", "origin", "error", "redriven", box=None)
    shown = 0
    with caller(log_config(broker, data_dir, app_id), None) as call:
        positions = call(lambda client: redrive_positions(client, topic))
        for batch in read_batches(call, topic):
            for index in range(len(batch.keys)):
                if shown == limit:
                    break
                shown += 1
                origin = origin_of(() if batch.headers is None else batch.headers[index])
                offset = batch.base_offset + index if batch.offsets is None else batch.offsets[index]
                came = f"{origin.topic}-{origin.partition} @ {origin.offset}" if origin and origin.topic else "unknown"
                is_done = bool(origin and origin.topic) and offset < positions[batch.topic_partition]
                table.add_row(
                    str(batch.topic_partition.partition), str(offset), origin.operator if origin else "", came,
                    (origin.exception if origin else "").partition("\n")[0], "yes" if is_done else "no",
                )  # fmt: skip
    show(table) if shown else typer.echo(f"no dead letters in {topic}")


@app.command("redrive")
def redrive_letters(
    topic: TopicName, limit: LimitOption = None,
    app_id: AppOption = None, data_dir: DataDirOption = None, broker: BrokerOption = None,
) -> None:  # fmt: skip
    """Send dead letters back to the topics that they came from, each once: correct what they failed on first."""
    with caller(log_config(broker, data_dir, app_id), None) as call:
        done = call(lambda client: redrive(client, topic, limit=limit))
    typer.echo(f"sent {done.sent} records back" + (f"; {done.left} say no origin and stay" if done.left else ""))
