"""Power loss at every disk operation and at every step of commit and restore; then the numbers must add up.

    python -m tests.simulation.crash                       every operation, dropping and tearing disk
    python -m tests.simulation.crash --every 7 --seed 3    a sample
    python -m tests.simulation.crash --app joins           the same with tables, joins and windows

An application runs over a fixed input on a simulated machine: one with a stateless branch and a counted one, or the one
of ``joins_app``. The machine is stopped, starts again and runs to the end; outputs (read_committed) and stores must
equal those of the undisturbed run.
"""

from __future__ import annotations

import argparse
import copy
import functools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rich.progress import track

from broker_core.memory_filesystem import CrashMode, SimulatedCrash
from state.keys import window_start
from streams import App
from tests.simulation import joins_app
from tests.simulation.world import World

LINES = [(f"k{index % 5}", f"w{index % 3} w{index % 7} w{index % 2}") for index in range(24)]
SETTINGS = {"partitions": 1, "commit_interval_ms": 6, "state_flush_records": 8, "fetch_max_bytes": 300}
JOINS_ROWS = 120
JOINS_SETTINGS = {"commit_interval_ms": 3, "buffered_records": 3, "state_flush_records": 40}
COMMIT_STEPS = ("flush_caches", "flush_producer", "send_offsets", "end_transaction", "apply")


def word(value: str) -> str:
    return value


def build(**settings: Any) -> App:
    app = App("simulated", **{**SETTINGS, **settings})
    lines = app.stream("lines", key=str, value=str)
    lines.map_values(str.upper, value=str).to("shouted")
    lines.flat_map_values(str.split, value=str).group_by(word).count(store="counts").to_stream().to("counts")
    return app


def build_fed(**settings: Any) -> App:
    """The same, with its input fed: where to go on is committed with the records."""
    app = build(**settings)
    app.feed("lines", list(LINES), keyed=True)
    return app


def new_world(*, cache: bool, seed: int = 0, loopback: bool = False) -> World:
    """With the cache off the input is on the log, in small batches; with it on, the input is fed."""
    if cache:
        return World(build_fed, cache=True, seed=seed, loopback=loopback)
    world = World(build, cache=False, seed=seed, loopback=loopback)
    for start in range(0, len(LINES), 4):
        world.write("lines", LINES[start : start + 4])
    return world


@dataclass(frozen=True)
class Outcome:
    """What readers and queries see in the end."""

    shouted: list[tuple[Any, ...]]
    counts: Any
    store: dict[bytes, bytes]


@dataclass(frozen=True)
class Case:
    """An application with its input, and what there is to compare."""

    new_world: Callable[..., World]
    outcome: Callable[[World], Any]


def outcome(world: World) -> Outcome:
    """Record by record with the cache off; with it on, the last value per key.

    Timestamps of fed records are the clock's, which a crash moves, and are left out.
    """
    counts = [(record.partition, record.key, record.value) for record in world.read("counts")]
    return Outcome(
        shouted=[(record.partition, record.key, record.value) for record in world.read("shouted")],
        counts={key: value for _, key, value in counts} if world.cache else counts,
        store=world.store("counts"),
    )


WORDS = Case(new_world, outcome)


def joins_world(*, cache: bool, seed: int = 0, loopback: bool = False) -> World:
    """``joins_app`` over inputs that are on the log, in small batches."""
    world, filled = World(build_joins, cache=cache, seed=seed, loopback=loopback), joins_filled()
    world.disk, world.now_ms = copy.deepcopy(filled.disk), filled.now_ms
    return world


@functools.cache
def joins_filled() -> World:
    """The machine with that input, on which nothing has run; only to be copied."""
    world = World(build_joins)
    write_joins_input(world)
    return world


def write_joins_input(world: World) -> None:
    """Records without key have no partition of their own, so there are none where there are several."""
    batches: dict[str, list[joins_app.Row]] = {}
    for row in joins_app.rows(JOINS_ROWS, keys=3, null_keys=world.app().config().partitions == 1):
        batches.setdefault(row.topic, []).append(row)
    for topic, rows in batches.items():
        for start in range(0, len(rows), 4):
            part = rows[start : start + 4]
            pairs = [(row.key, row.value) for row in part]
            world.write(topic, pairs, [row.timestamp for row in part], [row.headers for row in part])


def build_joins(**settings: Any) -> App:
    return joins_app.declare(App("simulated", **{**SETTINGS, **JOINS_SETTINGS, **settings}))


def joins_outcome(world: World) -> dict[str, Any]:
    partitions = world.app().config().partitions
    topics = world.read_all((*joins_app.IN_ORDER, *joins_app.CACHED))
    stores = world.stores((*joins_app.STORES, *joins_app.WINDOW_STORES))
    return joins_app.outcome(
        topics.__getitem__, stores.__getitem__, window_start, cache=world.cache, partitions=partitions
    )  # fmt: skip


JOINS = Case(joins_world, joins_outcome)
CASES = {"words": WORDS, "joins": JOINS}


def undisturbed(*, cache: bool, loopback: bool = False, case: Case = WORDS) -> tuple[Any, int]:
    """The outcome without any crash, and how many disk operations the run takes."""
    world = case.new_world(cache=cache, loopback=loopback)
    before = world.disk.faults.operations
    world.run()
    operations = world.disk.faults.operations - before
    return case.outcome(world), operations


def crash_at_operation(
    number: int, mode: CrashMode, expected: Any, *, cache: bool, seed: int, case: Case = WORDS
) -> None:
    """Stop the machine before a disk operation of its first life; ``AssertionError`` on a difference."""
    world = case.new_world(cache=cache, seed=seed)
    world.disk.faults.crash_before = world.disk.faults.operations + number
    finish(world, mode, expected, f"operation {number}, disk {mode}, cache {cache}, seed {seed}", case)


def crash_at_event(
    at: Callable[[str, dict[str, object]], bool], mode: CrashMode, expected: Any, *, cache: bool, seed: int,
    before: World | None = None, label: str, case: Case = WORDS,
) -> None:  # fmt: skip
    """Stop the machine at an event of the worker."""
    world = before or case.new_world(cache=cache, seed=seed)
    world.observer.crash_at = at
    finish(world, mode, expected, f"{label}, disk {mode}, cache {cache}, seed {seed}", case)


def finish(world: World, mode: CrashMode, expected: Any, label: str, case: Case = WORDS) -> None:
    """Crash once, then run to the end and compare."""
    try:
        world.run()
    except SimulatedCrash:
        world.crash(mode)
        world.run()
    world.disk.faults.crash_before = None
    got = case.outcome(world)
    assert got == expected, f"{label}: {joins_app.difference(expected, got)}"


def occurrence(step: str, at: str, number: int) -> Callable[[str, dict[str, object]], bool]:
    """True at the ``number``-th time (from 1) that the commit comes by this edge of this step."""
    seen = [0]

    def check(name: str, fields: dict[str, object]) -> bool:
        seen[0] += name == "commit.step" and fields["step"] == step and fields["at"] == at
        return seen[0] == number

    return check


def nth(event: str, number: int) -> Callable[[str, dict[str, object]], bool]:
    """True at the ``number``-th time of an event."""
    seen = [0]

    def check(name: str, _fields: dict[str, object]) -> bool:
        seen[0] += name == event
        return seen[0] == number

    return check


def restored_world(*, cache: bool, seed: int, case: Case = WORDS) -> World:
    """A machine that stopped in the middle, whose state fell back to nothing: the next start must restore."""
    world = case.new_world(cache=cache, seed=seed)
    world.observer.crash_at = nth("commit.done", 3 if cache else 2)
    try:
        world.run()
    except SimulatedCrash:
        world.crash("drop")
        world.state.crash(dict.fromkeys(world.state.tasks(), 0))
        for task in world.state.tasks():
            world.state.remove_task(task)
    return world


def scenarios(
    calm: dict[bool, tuple[Any, int]], every: int, seed: int, case: Case = WORDS
) -> Iterator[Callable[[], None]]:
    """Every crash, as calls."""
    modes: tuple[CrashMode, ...] = ("drop", "tear", "keep")
    expected = {cache: outcome for cache, (outcome, _) in calm.items()}
    for cache, (_, operations) in calm.items():
        for mode in modes:
            for number in range(seed % every, operations, every):
                yield lambda n=number, m=mode, c=cache: crash_at_operation(
                    n, m, expected[c], cache=c, seed=seed + n, case=case
                )
            for step in COMMIT_STEPS:
                for at in ("before", "after"):
                    for number in (1, 2):
                        yield lambda s=step, a=at, n=number, m=mode, c=cache: crash_at_event(
                            occurrence(s, a, n), m, expected[c], cache=c, seed=seed, label=f"{s} {a} #{n}", case=case
                        )
            for event in ("restore.started", "restore.batch", "restore.done"):
                yield lambda e=event, m=mode, c=cache: crash_at_event(
                    nth(e, 1), m, expected[c], cache=c, seed=seed,
                    before=restored_world(cache=c, seed=seed, case=case), label=f"restore: {e}", case=case,
                )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="crash at every n-th disk operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--app", choices=CASES, default="words")
    options = parser.parse_args(arguments)
    case = CASES[options.app]
    calm = {cache: undisturbed(cache=cache, case=case) for cache in (False, True)}
    runs = list(scenarios(calm, options.every, options.seed, case))
    failures = []
    for run in track(runs, description=f"{len(runs)} crashes"):
        try:
            run()
        except (AssertionError, Exception) as error:
            failures.append(f"{type(error).__name__}: {error}"[:1_000])
    print(f"{len(runs)} crashes, {len(failures)} failed")
    for failure in failures[:10]:
        print(" ", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
