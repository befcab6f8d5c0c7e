"""An application's doors for data: send, read and query, while it runs or while it does not.

A shell. While the application runs in this process, its worker's thread does the work (``Supervisor.call``); otherwise
the data directory, or the cluster, is opened for as long as the call takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from broker_core.model import EARLIEST_OFFSET, LATEST_OFFSET
from state.backends.rocksdb import RocksMemory
from state.directory import StateDirectory
from state.read_only import ReadOnlyRows
from streams.client.admin import NewTopic
from streams.client.client import Client
from streams.client.consumer import Consumer
from streams.config import StreamsConfig
from streams.errors import SerdeError, StreamsError, UnknownTopic
from streams.model import ColumnBatch, Headers, Isolation, OutputColumns, Record, TaskId, TopicPartition
from streams.query.local import ReadOnlyStore
from streams.query.windows import open_store
from streams.runtime.activity import Activity, wait
from streams.runtime.application import Application
from streams.runtime.connection import clock_ms, connect
from streams.runtime.metrics import WorkerMetrics
from streams.runtime.supervisor import Supervisor, complete
from streams.serde import resolve
from streams.serde.explain import decoding_problem, encoding_problem, record_problem
from streams.serde.own import own_type
from streams.topology.compile import TABLE_CONFIGS, CompiledTopology, PlacedStore
from streams.topology.nodes import AnySerde

T = TypeVar("T")
Decode = Callable[[bytes, TopicPartition, int], Any]
"""Bytes of a key or value, and where they are from, to an object."""
Call = Callable[[Callable[[Client], Activity[Any]]], Any]
"""Runs an activity to its end, on whichever thread owns the client."""


@contextmanager
def caller(config: StreamsConfig, running: Supervisor | None) -> Iterator[Call]:
    """A way to run activities: through the running application, or over a connection of one's own."""
    if running is not None and running.worker is not None:
        yield running.call
        return
    with connect(config) as client:
        yield lambda activity: complete(client, activity(client))


def send(
    app: Application, topic: str, key: Any, value: Any, *, timestamp: int | None = None, headers: Headers = ()
) -> None:
    """Write one record and wait until it is on disk; ``SerdeError`` when it does not fit the topic's types."""
    key_serde, value_serde = app.topic_serdes(topic)
    record = (_encode(key, key_serde, topic, "key"), _encode(value, value_serde, topic, "value"))
    at_ms = clock_ms() if timestamp is None else timestamp
    problem = record_problem(at_ms, headers)
    if problem is not None:
        raise StreamsError(f"sending to topic {topic!r}: {problem}")
    config = app.config()
    configs = TABLE_CONFIGS if app.is_table(topic) else {}
    with caller(config, app.running) as call:
        call(lambda client: send_records(client, config, topic, [(*record, at_ms, headers)], configs=configs))


def send_records(
    client: Client,
    config: StreamsConfig,
    topic: str,
    records: Sequence[tuple[bytes | None, bytes | None, int, Headers]],
    *,
    configs: Mapping[str, str] | None = None,
) -> Activity[bool]:
    """Write records to a topic, outside of any transaction; waits for the disk. Returns whether the topic was made.

    Arguments:
        configs: of the topic, where it has to be made (the log is embedded).
    """
    found = yield from wait(client.admin.describe_topics([topic]))
    if topic not in found:
        if config.broker is not None:
            raise UnknownTopic(
                f"broker {config.broker}: the broker has no topic {topic!r}; "
                f"'streams topics create {topic} --broker {config.broker}' makes it"
            )
        yield from wait(
            client.admin.create_topics({topic: NewTopic(partitions=config.partitions, configs=dict(configs or {}))})
        )
    producer = client.producer()
    columns = OutputColumns(topic)
    columns.keys = [key for key, _, _, _ in records]
    columns.values = [value for _, value, _, _ in records]
    columns.timestamps = [timestamp for _, _, timestamp, _ in records]
    if any(headers for _, _, _, headers in records):
        columns.headers = [headers for _, _, _, headers in records]
    try:
        producer.append_output(columns, found[topic].partitions if topic in found else config.partitions)
        yield from wait(producer.flush())
    finally:
        client.release(producer)
    return topic not in found


def read(app: Application, topic: str, *, key: Any = None, value: Any = None) -> Iterator[Record[Any, Any]]:
    """The committed records that are in a topic now, oldest first within each partition."""
    key_serde, value_serde = app.topic_serdes(topic, key=key, value=value)
    decode_key = _decoder(key_serde, "key")
    decode_value = _decoder(value_serde, "value")
    with caller(app.config(), app.running) as call:
        for batch in read_batches(call, topic):
            for index in range(len(batch.keys)):
                yield _record(batch, index, decode_key, decode_value)


def read_batches(call: Call, topic: str, *, from_offset: int = EARLIEST_OFFSET) -> Iterator[ColumnBatch]:
    """The batches between the topic's start and its end as of this call, partition by partition.

    Raises:
        UnknownTopic: there is no such topic.
    """
    ends: Mapping[TopicPartition, int] = call(lambda client: _ends(client, topic))
    consumer: Consumer = call(_open_consumer)
    try:
        for topic_partition, end in ends.items():
            position = from_offset
            call(lambda client, at=topic_partition, offset=position: _assign(consumer, {at: offset}))  # type: ignore[misc]
            while True:
                batches, position = call(lambda client, at=topic_partition, stop=end: _chunk(consumer, at, stop))  # type: ignore[misc]
                for batch in batches:
                    yield _until(batch, end)
                if position >= end:
                    break
    finally:  # also where the caller reads no further
        with suppress(StreamsError):
            call(lambda client: _release(client, consumer))


def metrics(app: Application) -> WorkerMetrics:
    """The numbers of the running application, or of its last run in this process."""
    if app.running is not None and app.running.worker is not None:
        return app.running.metrics()
    if app.last_metrics is None:
        raise StreamsError("the application has not run in this process yet; there are no metrics")
    return app.last_metrics


def query(app: Application, name: str) -> ReadOnlyStore[Any, Any]:
    """A store's rows as of the last commit; opens the state for itself where the application does not run."""
    running = app.running
    topology = app.topology() if running is None else running.topology
    placed = topology.stores[name]
    if running is not None and running.worker is not None:
        return open_store(placed, lambda: _running_rows(app, placed))
    root = Path(app.config().data_dir) / "state"
    if not root.is_dir():
        raise _no_state(name, root)
    with ExitStack() as stack:
        state = StateDirectory(root, RocksMemory().open)
        stack.callback(state.close)
        rows = _stored_rows(state, topology, placed)
        close = stack.pop_all().close
    return open_store(placed, lambda: rows, close)


def _running_rows(app: Application, placed: PlacedStore) -> list[ReadOnlyRows]:
    worker = app.running.worker if app.running is not None else None
    tasks = [running for running in worker.tasks if running.plan.id.subtopology == placed.subtopology] if worker else []
    if not tasks:
        raise StreamsError(
            f"store {placed.spec.name!r} is not open: the application is starting, restoring or has stopped; try again"
        )
    return [running.stores.read_only(placed.spec.name) for running in tasks]


def _stored_rows(state: StateDirectory, topology: CompiledTopology, placed: PlacedStore) -> list[ReadOnlyRows]:
    """The rows of every task on disk. Opened with all stores of the task, so that none is taken for an orphan."""
    specs = next(sub.stores for sub in topology.subtopologies if sub.id == placed.subtopology)
    tasks = [task_id for task_id in state.tasks() if task_id.subtopology == placed.subtopology]
    if not tasks:
        raise _no_state(placed.spec.name, state.root)
    return [state.open_task(TaskId(*task_id), specs).read_only(placed.spec.name) for task_id in tasks]


def _no_state(store: str, root: Path) -> StreamsError:
    return StreamsError(f"store {store!r} has no local state in {root}; run the application first")


def _ends(client: Client, topic: str) -> Activity[dict[TopicPartition, int]]:
    found = yield from wait(client.admin.describe_topics([topic]))
    if topic not in found:
        raise UnknownTopic(f"there is no topic {topic!r}; 'streams topics list' names those that are there")
    wanted = {TopicPartition(topic, index): LATEST_OFFSET for index in range(found[topic].partitions)}
    ends = yield from wait(client.admin.list_offsets(wanted, Isolation.READ_COMMITTED))
    return {topic_partition: end or 0 for topic_partition, end in ends.items()}


def _open_consumer(client: Client) -> Activity[Consumer]:
    return client.consumer(isolation=Isolation.READ_COMMITTED, offset_reset="earliest")
    yield  # an activity, though this one never waits


def _release(client: Client, consumer: Consumer) -> Activity[None]:
    client.release(consumer)
    return
    yield  # as above


def _assign(consumer: Consumer, offsets: Mapping[TopicPartition, int]) -> Activity[None]:
    consumer.assign(offsets)
    return
    yield  # as above


def _chunk(consumer: Consumer, topic_partition: TopicPartition, end: int) -> Activity[tuple[list[ColumnBatch], int]]:
    """What there is of a partition, at least one batch unless the end is reached; and the position after it."""
    while True:
        batches = [batch for batch in consumer.poll_batches() if batch.topic_partition == topic_partition]
        position = consumer.position(topic_partition)
        if batches or position >= end or (position < 0 and end == 0):
            return batches, end if position < 0 else position
        yield None


def _until(batch: ColumnBatch, end: int) -> ColumnBatch:
    """The records of ``batch`` before ``end``: what was there when reading began."""
    if batch.next_offset <= end or batch.offsets is not None:
        return batch
    count = max(0, end - batch.base_offset)
    return batch._replace(
        keys=batch.keys[:count], values=batch.values[:count], timestamps=batch.timestamps[:count],
        headers=None if batch.headers is None else batch.headers[:count],
    )  # fmt: skip


def _record(batch: ColumnBatch, index: int, decode_key: Decode, decode_value: Decode) -> Record[Any, Any]:
    key, value = batch.keys[index], batch.values[index]
    offset = batch.base_offset + index if batch.offsets is None else batch.offsets[index]
    return Record(
        key=None if key is None else decode_key(key, batch.topic_partition, offset),
        value=None if value is None else decode_value(value, batch.topic_partition, offset),
        timestamp=batch.timestamps[index],
        headers=() if batch.headers is None else batch.headers[index],
        topic=batch.topic_partition.topic,
        partition=batch.topic_partition.partition,
        offset=offset,
    )


def _encode(value: Any, serde: AnySerde | None, topic: str, part: str) -> bytes | None:
    if value is None:
        return None
    chosen = resolve(type(value)) if serde is None or serde is own_type else serde
    try:
        return chosen.encode(value)
    except Exception as error:
        raise SerdeError(f"sending to topic {topic!r}: {encoding_problem(chosen, value, error, part)}") from error


def _decoder(serde: AnySerde | None, part: str) -> Decode:
    def decode(data: bytes, place: TopicPartition, offset: int) -> Any:
        if serde is None:
            return data
        try:
            return serde.decode(data)
        except Exception as error:
            where = f"topic {place.topic}, partition {place.partition}, offset {offset}"
            raise SerdeError(f"{where}: {decoding_problem(serde, data, error, part)}") from error

    return decode
