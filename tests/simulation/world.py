"""A whole machine in one thread: broker, client, worker, state and disk, with a clock that only we turn.

Everything is the product's own code but for three stand-ins at ports: the memory filesystem (which forgets or tears
what was not synced), the memory back end (which falls back to an earlier batch), and an executor that syncs inline.
A run is a function of its inputs, so that a failure is a crash point and a seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from broker_core.broker import Broker
from broker_core.memory_filesystem import CrashMode, MemoryFilesystem, SimulatedCrash
from broker_core.sync_waves import InlineSyncExecutor
from state.memory_directory import MemoryStateDirectory
from streams import App
from streams.client.client import Client
from streams.client.loopback import LoopbackTransport
from streams.model import Headers, Record
from streams.runtime.access import read_batches, send_records
from streams.runtime.activity import Activity, Running
from streams.runtime.connection import client_settings
from streams.runtime.embedded import EmbeddedBroker, broker_config
from streams.runtime.worker import Worker
from streams.topology.compile import TABLE_CONFIGS

START_MS = 1_700_000_000_000
MAX_TURNS = 50_000
"""A run that takes more has stopped making progress."""


class Recorder:
    """Observer that keeps what it heard, and may crash the machine at a point of a worker's work."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []
        self.crash_at: Callable[[str, dict[str, object]], bool] | None = None

    def event(self, name: str, **fields: object) -> None:
        self.events.append((name, fields))
        if self.crash_at is not None and self.crash_at(name, fields):
            raise SimulatedCrash(f"at {name} {fields}")

    def names(self) -> list[str]:
        return [name for name, _ in self.events]


@dataclass
class World:
    """One simulated machine. ``build`` declares the application; it is declared anew in every life.

    Arguments:
        build: returns the application for given settings.
        loopback: whether every request and response is encoded and decoded on its way.
    """

    build: Callable[..., App]
    settings: dict[str, Any] = field(default_factory=dict)
    cache: bool = False
    seed: int = 0
    loopback: bool = False
    disk: MemoryFilesystem = field(default_factory=MemoryFilesystem)
    state: MemoryStateDirectory = field(default_factory=MemoryStateDirectory)
    observer: Recorder = field(default_factory=Recorder)
    now_ms: int = START_MS

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    # -- lives -----------------------------------------------------------------------------------------------------

    def open(self) -> tuple[EmbeddedBroker, Client]:
        """Start the broker on what the disk holds, and a client on it."""
        app = self.app()
        broker = Broker(broker_config(app.config()), self.disk, random.Random(self.seed))
        broker.open(self.now_ms)
        embedded = EmbeddedBroker(broker, InlineSyncExecutor())
        transport: Any = embedded.connect("simulated")
        if self.loopback:
            transport = LoopbackTransport(transport)
        settings = client_settings(app.config())
        return embedded, Client(transport, client_id="simulated", random=random.Random(self.seed), settings=settings)

    def app(self) -> App:
        return self.build(data_dir="simulated", **self.settings)

    def run(self) -> Worker:
        """Run the application to the end of its input; returns the worker. Crashes and errors come out."""
        embedded, client = self.open()
        app = self.app()
        worker = Worker(
            topology=app.topology(), config=app.config(), client=client, state=self.state, feeds=app.feeds,
            observer=self.observer, cache=self.cache, stop_at_end=True,
        )  # fmt: skip
        for _ in range(MAX_TURNS):
            worker.run_once(self.now_ms)
            self.now_ms += 1
            if worker.finished:
                embedded.close(self.now_ms)
                self.state.close()
                return worker
        raise AssertionError(f"no end after {MAX_TURNS} turns: {worker.metrics()}")

    def crash(self, mode: CrashMode) -> None:
        """Power loss: the disk forgets as ``mode`` says, every database falls back to some batch since its flush."""
        self.disk.crash(self.random, mode)
        self.state.crash(
            {task: self.random.randint(0, count) for task, count in self.state.unflushed_batches().items()}
        )
        self.state = self.state.successor()
        self.observer.crash_at = None

    # -- looking and writing ----------------------------------------------------------------------------------------

    def call(self, client: Client, activity: Activity[Any]) -> Any:
        running = Running(activity)
        for _ in range(MAX_TURNS):
            client.poll(self.now_ms)
            running.advance()
            self.now_ms += 1
            if running.done:
                return running.result()
        raise AssertionError("an activity does not end")

    def write(
        self, topic: str, rows: Sequence[tuple[str | None, str | None]], timestamps: Sequence[int] | None = None,
        headers: Sequence[Headers] | None = None,
    ) -> None:  # fmt: skip
        """Put text records in a topic before (or between) runs; by default a millisecond apart."""
        times = [START_MS + index for index in range(len(rows))] if timestamps is None else timestamps
        more = [()] * len(rows) if headers is None else headers
        embedded, client = self.open()
        app = self.app()
        records = [
            (None if key is None else key.encode(), None if value is None else value.encode(), time, own)
            for (key, value), time, own in zip(rows, times, more, strict=True)
        ]
        configs = TABLE_CONFIGS if app.is_table(topic) else {}
        self.call(client, send_records(client, app.config(), topic, records, configs=configs))
        embedded.close(self.now_ms)

    def read(self, topic: str) -> list[Record[Any, Any]]:
        """What a read_committed reader sees, as bytes, partition by partition."""
        return self.read_all((topic,))[topic]

    def read_all(self, topics: Iterable[str]) -> dict[str, list[Record[Any, Any]]]:
        """The same of several topics, in one life of the broker."""
        embedded, client = self.open()
        found = {
            topic: [
                Record(
                    key=batch.keys[index], value=batch.values[index], timestamp=batch.timestamps[index],
                    partition=batch.topic_partition.partition,
                    headers=() if batch.headers is None else batch.headers[index],
                )
                for batch in read_batches(lambda activity: self.call(client, activity(client)), topic)
                for index in range(len(batch.keys))
            ]
            for topic in topics
        }  # fmt: skip
        embedded.close(self.now_ms)
        return found

    def store(self, name: str) -> dict[bytes, bytes]:
        """All rows of a store, over all tasks."""
        return self.stores((name,))[name]

    def stores(self, names: Sequence[str]) -> dict[str, dict[bytes, bytes]]:
        """The same of several stores."""
        topology = self.app().topology()
        specs = {sub.id: sub.stores for sub in topology.subtopologies}
        rows: dict[str, dict[bytes, bytes]] = {name: {} for name in names}
        for task_id in self.state.tasks():
            stores = self.state.open_task(task_id, specs[task_id.subtopology])
            for name in names:
                if topology.stores[name].subtopology == task_id.subtopology:
                    rows[name].update(stores.read_only(name).range())
            self.state.close_task(task_id)
        return rows
