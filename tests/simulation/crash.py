"""Power loss at every disk operation and at every step of commit and restore; then the numbers must add up.

    python -m tests.simulation.crash                       every operation, dropping and tearing disk
    python -m tests.simulation.crash --every 7 --seed 3    a sample

An application with a stateless branch and a counted one runs over a fixed input on a simulated machine. The machine is
stopped, starts again and runs to the end; outputs (read_committed) and stores must equal those of the undisturbed run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from rich.progress import track

from broker_core.memory_filesystem import CrashMode, SimulatedCrash
from streams import App
from tests.simulation.world import World

LINES = [(f"k{index % 5}", f"w{index % 3} w{index % 7} w{index % 2}") for index in range(24)]
SETTINGS = {"partitions": 1, "commit_interval_ms": 6, "state_flush_records": 8, "fetch_max_bytes": 300}
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


def undisturbed(*, cache: bool, loopback: bool = False) -> tuple[Outcome, int]:
    """The outcome without any crash, and how many disk operations the run takes."""
    world = new_world(cache=cache, loopback=loopback)
    before = world.disk.faults.operations
    world.run()
    operations = world.disk.faults.operations - before
    return outcome(world), operations


def crash_at_operation(number: int, mode: CrashMode, expected: Outcome, *, cache: bool, seed: int) -> None:
    """Stop the machine before a disk operation of its first life; ``AssertionError`` on a difference."""
    world = new_world(cache=cache, seed=seed)
    world.disk.faults.crash_before = world.disk.faults.operations + number
    finish(world, mode, expected, f"operation {number}, disk {mode}, cache {cache}, seed {seed}")


def crash_at_event(
    at: Callable[[str, dict[str, object]], bool], mode: CrashMode, expected: Outcome, *, cache: bool, seed: int,
    before: World | None = None, label: str,
) -> None:  # fmt: skip
    """Stop the machine at an event of the worker."""
    world = before or new_world(cache=cache, seed=seed)
    world.observer.crash_at = at
    finish(world, mode, expected, f"{label}, disk {mode}, cache {cache}, seed {seed}")


def finish(world: World, mode: CrashMode, expected: Outcome, label: str) -> None:
    """Crash once, then run to the end and compare."""
    try:
        world.run()
    except SimulatedCrash:
        world.crash(mode)
        world.run()
    world.disk.faults.crash_before = None
    got = outcome(world)
    assert got == expected, f"{label}: expected {expected}, got {got}"


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


def restored_world(*, cache: bool, seed: int) -> World:
    """A machine that stopped in the middle, whose state fell back to nothing: the next start must restore."""
    world = new_world(cache=cache, seed=seed)
    world.observer.crash_at = nth("commit.done", 3 if cache else 2)
    try:
        world.run()
    except SimulatedCrash:
        world.crash("drop")
        world.state.crash(dict.fromkeys(world.state.tasks(), 0))
        for task in world.state.tasks():
            world.state.remove_task(task)
    return world


def scenarios(calm: dict[bool, tuple[Outcome, int]], every: int, seed: int) -> Iterator[Callable[[], None]]:
    """Every crash, as calls."""
    modes: tuple[CrashMode, ...] = ("drop", "tear", "keep")
    expected = {cache: outcome for cache, (outcome, _) in calm.items()}
    for cache, (_, operations) in calm.items():
        for mode in modes:
            for number in range(seed % every, operations, every):
                yield lambda n=number, m=mode, c=cache: crash_at_operation(n, m, expected[c], cache=c, seed=seed + n)
            for step in COMMIT_STEPS:
                for at in ("before", "after"):
                    for number in (1, 2):
                        yield lambda s=step, a=at, n=number, m=mode, c=cache: crash_at_event(
                            occurrence(s, a, n), m, expected[c], cache=c, seed=seed, label=f"{s} {a} #{n}"
                        )
            for event in ("restore.started", "restore.batch", "restore.done"):
                yield lambda e=event, m=mode, c=cache: crash_at_event(
                    nth(e, 1), m, expected[c], cache=c, seed=seed,
                    before=restored_world(cache=c, seed=seed), label=f"restore: {e}",
                )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, help="crash at every n-th disk operation")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    calm = {cache: undisturbed(cache=cache) for cache in (False, True)}
    runs = list(scenarios(calm, options.every, options.seed))
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
