"""Flip every byte of every file of a data directory, and remove every file: ``python -m tests.simulation.damage``.

One bit of each byte, drawn from its place; three small directories: closed cleanly, killed, and killed with files that
are preallocated. A broker then heals it, or reports it with file and position. It takes a while; ``--ending`` and
``--kind`` choose.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.simulation.damage_world import (
    ENDINGS,
    KINDS,
    World,
    check_flipped,
    check_missing,
    of_kind,
    written,
)

PROGRESS_INTERVAL_S = 5.0
MAX_FAILURES = 20
"""So many are told of each kind of file."""


class Place(NamedTuple):
    """What to damage; None for the position: the file goes."""

    path: str
    position: int | None
    bit: int


def places(world: World, kind: str, position: int | None, bit: int | None) -> Iterator[Place]:
    for path in of_kind(world, kind):
        for each in range(len(world.files[path])) if position is None else (position,):
            drawn = zlib.crc32(f"{path} {each}".encode()) % 8
            if each < len(world.files[path]):
                yield Place(path, each, drawn if bit is None else bit)
        if position is None:
            yield Place(path, None, 0)


def damage(world: World, kind: str, found: list[Place], tell: Callable[[int], None]) -> tuple[Counter[str], list[str]]:
    """Verdicts by number, and what went wrong."""
    verdicts: Counter[str] = Counter()
    failures = []
    for number, place in enumerate(found):
        tell(number)
        try:
            if place.position is None:
                verdict = check_missing(world, place.path)
            else:
                verdict = check_flipped(world, place.path, place.position, place.bit)
        except Exception as error:
            verdict = "served as data"
            again = f"--ending {world.ending} --kind {place.path.rpartition('/')[2]}"
            if place.position is not None:
                again += f" --position {place.position} --bit {place.bit}"
            told = f"{place.path}: {type(error).__name__} {error}"
            failures.append(f"{told}\n  python -m tests.simulation.damage {again}")
        verdicts[verdict] += 1
    return verdicts, failures


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.damage", description=__doc__)
    parser.add_argument("--ending", choices=ENDINGS, help="of one directory only")
    parser.add_argument("--kind", help=f"how a file's name ends: {', '.join(KINDS)}")
    parser.add_argument("--position", type=int, help="flip only the byte there")
    parser.add_argument("--bit", type=int, choices=range(8))
    options = parser.parse_args(arguments)
    begun = told = time.monotonic()
    sums: Counter[str] = Counter()
    for ending in ENDINGS if options.ending is None else (options.ending,):
        world = written(ending)
        for kind in KINDS if options.kind is None else (options.kind,):
            found = [*places(world, kind, options.position, options.bit)]

            def tell(number: int, ending: str = ending, kind: str = kind, total: int = len(found)) -> None:
                nonlocal told
                if time.monotonic() > told + PROGRESS_INTERVAL_S:
                    told = time.monotonic()
                    print(f"{told - begun:.0f} s: {ending}, {kind}: {number} of {total}", file=sys.stderr, flush=True)

            verdicts, failures = damage(world, kind, found, tell)
            counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
            print(f"{ending}, {kind}: {counts or 'no such file'}", flush=True)
            for failure in failures[:MAX_FAILURES]:
                print(failure)
            sums += verdicts
    print(
        f"{sums.total()} places in {time.monotonic() - begun:.0f} s: {sums['healed']} healed, "
        f"{sums['reported']} reported, {sums['served as data']} served as data"
    )
    return 1 if sums["served as data"] else 0


if __name__ == "__main__":
    sys.exit(main())
