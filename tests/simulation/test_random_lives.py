"""Random lives of random small applications: whatever stops them, every record counts once.

    python -m tests.simulation.test_random_lives --seeds 500 --first 1000

A seed draws a topology, its settings and a number of lives. In each life other producers write too (some of their
transactions are aborted), and something ends it: power loss at a turn or at a disk operation, ``kill -9``, a clean
stop, a transaction that cannot be committed, a disk that is full for a moment, a clock that jumps. A last life runs to
the end. What is then in the topics and stores is compared with arithmetic over the input, not with another run of the
engine.
"""

from __future__ import annotations

import argparse
import random
import sys
import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from broker_core.memory_filesystem import SimulatedCrash
from streams import App
from streams.client.client import Client
from streams.client.producer import Producer
from streams.errors import StreamsError, TransactionAborted
from streams.model import TopicPartition
from streams.runtime.activity import Activity, wait
from streams.runtime.embedded import EmbeddedBroker
from streams.runtime.worker import Worker
from tests.simulation.world import START_MS, World

SEEDS = 12
MOST_TURNS = 20_000
PLENTY = 1 << 40
WORDS = ("a", "b", "c", "d", "e", "f", "g")
ENDINGS = ("drop", "tear", "keep", "drop", "tear", "keep", "stop", "abort", "full", "clock", "power during start")


@dataclass
class Plan:
    """What a seed draws once."""

    draw: random.Random
    topics: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    cache: bool = False
    fed: int = 0
    chained: bool = False

    @classmethod
    def of(cls, seed: int) -> Plan:
        draw = random.Random(seed)
        return cls(
            draw=draw,
            topics=("left", "right")[: draw.randint(1, 2)],
            settings={
                "partitions": draw.choice((1, 2, 3)),
                "commit_interval_ms": draw.choice((1, 5, 20, 200)),
                "fetch_max_bytes": draw.choice((200, 1_000, 1_000_000)),
                "batch_bytes": draw.choice((60, 400, 500_000)),
                "buffered_records": draw.choice((1, 5, 1_000)),
                "cache_max_bytes": draw.choice((0, 1_500, 1_000_000)),
                "staging_max_bytes": draw.choice((500, 1_000_000)),
                "state_flush_records": draw.choice((1, 20, 100_000)),
            },
            cache=draw.random() < 0.5,
            fed=draw.choice((0, 0, 30, 60)),
            chained=draw.random() < 0.5,
        )

    def build(self, **settings: Any) -> App:
        """Words are counted; the lines themselves go on unchanged; counts may be counted again."""
        app = App("lives", **settings)
        if self.fed:
            app.feed("left", [f"fed{index}:{WORDS[index % len(WORDS)]}" for index in range(self.fed)], value=str)
        lines = app.stream(list(self.topics), key=str, value=str)
        lines.to("copied")
        words = lines.flat_map_values(words_of, value=str)
        counts = words.group_by(lambda value: value, key=str, name="by-word").count(store="counts")
        counts.to_stream().to("counts")
        if self.chained:
            changes = counts.to_stream().map_values(lambda _: 1, value=int)
            changes.group_by(lambda key, _: "all", key=str, name="by-all").reduce(int.__add__, store="changes")
        return app


def words_of(line: str) -> list[str]:
    return line.partition(":")[2].split()


class Lives:
    """All lives of one seed."""

    def __init__(self, seed: int) -> None:
        self.plan = Plan.of(seed)
        self.draw = self.plan.draw
        self.world = World(
            self.plan.build, settings=self.plan.settings, cache=self.plan.cache, seed=seed,
            loopback=self.draw.random() < 0.1,
        )  # fmt: skip
        self.sent = 0
        self.told: list[str] = []

    def run(self) -> None:
        for number in range(self.draw.randint(1, 5)):
            ending = self.draw.choice(ENDINGS)
            try:
                self.told.append(f"{number}: {ending}")
                self.live(ending)
            except SimulatedCrash as crash:
                self.told[-1] += f" ({crash})"
                self.world.disk.available_bytes = PLENTY
                self.world.crash(ending if ending in ("drop", "tear", "keep") else "drop")  # type: ignore[arg-type]
            except StreamsError as error:  # the application failed and is started again
                self.told[-1] += f" ({type(error).__name__}: {error})"
        self.told.append("last")
        self.last()
        self.check()

    # -- one life --------------------------------------------------------------------------------------------------

    def live(self, ending: str) -> None:
        draw, world = self.draw, self.world
        if ending == "power during start":
            world.disk.faults.crash_before = world.disk.faults.operations + draw.randint(1, 150)
        embedded, client = world.open()
        worker = self.worker(client)
        others = self.others(embedded)
        if ending in ("drop", "tear", "keep") and draw.random() < 0.5:
            world.disk.faults.crash_before = world.disk.faults.operations + draw.randint(1, 300)
        if ending == "abort":
            world.observer.crash_at = lost_at(draw.randint(1, 40))
        turns = draw.randint(1, 250)
        try:
            for turn in range(turns):
                if draw.random() < 0.2:
                    others.write()
                if ending == "full" and turn == turns // 2:
                    world.disk.available_bytes = draw.randint(0, 3_000)
                if ending == "clock" and turn == turns // 2:
                    world.now_ms += draw.choice((61_000, 3_600_000))
                others.poll()
                worker.run_once(world.now_ms)
                world.now_ms += draw.choice((0, 0, 1, 1, 3))
            if ending in ("drop", "tear", "keep", "power during start"):
                raise SimulatedCrash("of the turns")
            worker.request_stop()
            self.turn(worker, others)
        except StreamsError:
            worker.close()
            self.close(embedded)
            raise
        self.close(embedded)

    def others(self, embedded: EmbeddedBroker) -> Others:
        return Others(self, embedded)

    def close(self, embedded: EmbeddedBroker) -> None:
        """As the shell does: the disk has space again, or else the next start recovers."""
        self.world.disk.available_bytes = PLENTY
        self.world.observer.crash_at = None
        embedded.close(self.world.now_ms)
        self.world.state.close()

    def worker(self, client: Client, *, stop_at_end: bool = False) -> Worker:
        world = self.world
        app = world.app()
        return Worker(
            topology=app.topology(), config=app.config(), client=client, state=world.state, feeds=app.feeds,
            observer=world.observer, cache=world.cache, stop_at_end=stop_at_end,
        )  # fmt: skip

    def turn(self, worker: Worker, others: Others | None = None) -> None:
        for _ in range(MOST_TURNS):
            if worker.finished:
                return
            if others is not None:
                others.poll()
            worker.run_once(self.world.now_ms)
            self.world.now_ms += 1
        raise AssertionError(f"no end: {worker.metrics()}")

    def last(self) -> None:
        world = self.world
        world.disk.faults.crash_before = None
        embedded, client = world.open()
        worker = self.worker(client, stop_at_end=True)
        self.turn(worker)
        self.close(embedded)

    # -- judging ---------------------------------------------------------------------------------------------------

    def check(self) -> None:
        inputs = {topic: self.world.read(topic) for topic in self.plan.topics}
        lines = [record.value.decode() for topic in self.plan.topics for record in inputs[topic]]
        assert Counter(line for line in lines if line.startswith("fed")) == Counter(
            f"fed{index}:{WORDS[index % len(WORDS)]}" for index in range(self.plan.fed)
        ), "fed records"
        assert not [line for line in lines if line.startswith("aborted")], "aborted input"
        copied = self.world.read("copied")
        assert Counter(record.value.decode() for record in copied) == Counter(lines), "copied records"
        for topic in self.plan.topics:
            for partition in range(self.plan.settings["partitions"]):
                self.check_order(topic, partition, inputs[topic], copied)
        counted = Counter(word for line in lines for word in words_of(line))
        store = {key.decode(): int(value) for key, value in self.world.store("counts").items()}
        assert store == dict(counted), "store"
        self.check_changes(counted)

    def check_order(self, topic: str, partition: int, inputs: list[Any], copied: list[Any]) -> None:
        """Records with a key keep their partition and so their order."""
        source = [record.value for record in inputs if record.partition == partition and record.key is not None]
        members = set(source)
        got = [record.value for record in copied if record.partition == partition and record.value in members]
        assert got == source, f"order of {topic}-{partition}"

    def check_changes(self, counted: Counter[str]) -> None:
        changes: dict[str, list[int]] = {}
        records = self.world.read("counts")
        for record in records:
            changes.setdefault(record.key.decode(), []).append(int(record.value))
        for word, count in counted.items():
            got = changes.pop(word)
            if not self.plan.cache:
                assert got == list(range(1, count + 1)), f"changes of {word}"
            assert got == sorted(set(got)) and got[-1] == count, f"changes of {word}: {got}"
        assert not changes, "words of nobody"
        if self.plan.chained:
            store = {key.decode(): int(value) for key, value in self.world.store("changes").items()}
            assert store == ({"all": len(records)} if records else {}), "changes of changes"


class Others:
    """Producers beside the application, on the same broker: one idempotent, one transactional."""

    def __init__(self, lives: Lives, embedded: EmbeddedBroker) -> None:
        self._lives = lives
        self._client = Client(embedded.connect("others"), client_id="others", random=random.Random(1))
        self._plain = self._client.producer()
        self._transactional = self._client.producer(transactional_id="others", transaction_timeout_ms=2_000)
        self._ready = False
        self._in_transaction = False
        self._running: list[Activity[None]] = []

    def poll(self) -> None:
        self._client.poll(self._lives.world.now_ms)
        for activity in list(self._running):
            try:
                next(activity)
            except (StopIteration, StreamsError):
                self._running.remove(activity)

    def write(self) -> None:
        draw = self._lives.draw
        if draw.random() < 0.6:
            self._running.append(self._write_plain())
        elif not self._in_transaction:
            self._in_transaction = True
            self._running.append(self._transact(draw.random() < 0.5))

    def _write_plain(self) -> Activity[None]:
        self._put(self._plain, "plain")
        yield from wait(self._plain.flush())

    def _transact(self, commit: bool) -> Activity[None]:
        if not self._ready:
            yield from wait(self._transactional.init_transactions())
            self._ready = True
        self._transactional.begin()
        for _ in range(self._lives.draw.randint(1, 3)):
            self._put(self._transactional, "committed" if commit else "aborted")
            yield None
        if commit:
            yield from wait(self._transactional.commit())
        else:
            yield from wait(self._transactional.flush())
            yield from wait(self._transactional.abort())
        self._in_transaction = False

    def _put(self, producer: Producer, what: str) -> None:
        draw, lives = self._lives.draw, self._lives
        topic = draw.choice(lives.plan.topics)
        place = TopicPartition(topic, draw.randrange(lives.plan.settings["partitions"]))
        rows = []
        for _ in range(draw.randint(1, 6)):
            lives.sent += 1
            words = " ".join(draw.choices(WORDS, k=draw.randint(0, 4)))
            rows.append((KEYS[place.partition, lives.plan.settings["partitions"]] if draw.random() < 0.8 else None,
                         f"{what}{lives.sent}:{words}".encode()))  # fmt: skip
        stamps = [START_MS + draw.randint(0, 1_000) for _ in rows]
        producer.append(topic, place.partition, [key for key, _ in rows], [value for _, value in rows], stamps)


def lost_at(number: int) -> Any:
    """The transaction cannot be committed any more, at some event of the worker's."""
    left = [number]

    def check(name: str, _fields: dict[str, object]) -> bool:
        left[0] -= name in ("commit.step", "commit.applied")
        if not left[0]:
            left[0] = -1
            raise TransactionAborted(48, "lost")
        return False

    return check


def _keys() -> dict[tuple[int, int], bytes]:
    from streams.client.partitioner import partition_of

    found: dict[tuple[int, int], bytes] = {}
    for count in (1, 2, 3):
        for index in range(100):
            found.setdefault((partition_of(f"k{index}".encode(), count), count), f"k{index}".encode())
    return found


KEYS = _keys()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_record_counts_once(seed: int) -> None:
    lives = Lives(seed)
    try:
        lives.run()
    except BaseException as error:
        error.add_note(f"seed {seed}: {lives.plan}; {lives.told}")
        raise


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    failed = []
    endings: Counter[str] = Counter()
    for seed in range(options.first, options.first + options.seeds):
        lives = Lives(seed)
        try:
            lives.run()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            failed.append(seed)
            print(
                f"seed {seed}: {type(error).__name__}: {str(error)[:300]}\n   {lives.plan}\n   {lives.told}", flush=True
            )
            traceback.print_exc(limit=-3)
        endings.update(
            told.partition(" (")[0].partition(": ")[2] + ("!" if "Error" in told or "Fenced" in told else "")
            for told in lives.told
        )
    print(f"{options.seeds} seeds, {len(failed)} failed: {failed}; {dict(endings)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
