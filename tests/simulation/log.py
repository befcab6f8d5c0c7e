"""Run the log in the simulated world, seed after seed: ``python -m tests.simulation.log --seeds 0-1999``.

Stops at the first seed that fails and says how to run it again. ``--bug NAME`` plants one of ``log_bugs`` first; then a
seed that fails is what is hoped for.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from tests.simulation.log_bugs import BUGS, planted
from tests.simulation.log_world import LogWorld

STEPS = 120


def first_failure(seeds: range, steps: int = STEPS) -> tuple[int, Exception] | None:
    """The first seed whose world shows the log to be wrong, and how."""
    for seed in seeds:
        try:
            LogWorld(seed).run(steps)
        except Exception as error:
            return seed, error
    return None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.log", description=__doc__)
    parser.add_argument("--seeds", default="0-299", help="a seed, or first-last")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--bug", choices=sorted(BUGS), help="plant this fault first")
    options = parser.parse_args(arguments)
    first, _, last = options.seeds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    begun = time.perf_counter()
    with planted(options.bug):
        failure = first_failure(seeds, options.steps)
    seconds = time.perf_counter() - begun
    if failure is None:
        print(f"{len(seeds)} seeds of {options.steps} steps in {seconds:.1f} s: the log is what the model says")
        return 1 if options.bug else 0
    seed, error = failure
    traceback.print_exception(error)
    bug = f" --bug {options.bug}" if options.bug else ""
    print(f"seed {seed} fails; again: python -m tests.simulation.log --seeds {seed} --steps {options.steps}{bug}")
    return 0 if options.bug else 1


if __name__ == "__main__":
    sys.exit(main())
