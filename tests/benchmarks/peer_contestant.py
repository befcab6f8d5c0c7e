"""The peers' comparison runs this program as one more contestant: works W1 to W6 against a running broker.

The comparison (a harness of its own) starts it as ``python tests/benchmarks/peer_contestant.py --work W1 --guarantee
eos --bootstrap HOST:PORT --in TOPIC --out TOPIC --table TOPIC --group ID --state DIR``, watches the output topic, and
ends it with SIGTERM. Outputs are the peers': JSON rows, of windows one for each update.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

from streams import App, hopping, tumbling
from streams.windows.time_windows import TimeWindows
from tests.benchmarks.inputs import MIN_PRICE
from tests.benchmarks.works import Auction, Bid, Counted, counted, itself, sold, to_euros

GUARANTEES: Final[dict[str, dict[str, Any]]] = {
    "eos": {"guarantee": "exactly_once", "commit_interval_ms": 100},
    "alo": {"guarantee": "at_least_once", "commit_interval_ms": 1_000},
}


def pass_through(app: App, options: argparse.Namespace) -> None:
    """W1: half of the bids, dollars to euros."""
    bids = app.stream(options.input, key=bytes, value=Bid)
    bids.filter(lambda bid: bid.price > MIN_PRICE).map_values(to_euros).to(options.out)


def word_count(app: App, options: argparse.Namespace) -> None:
    """W2: lines to words, repartition, count."""
    words = app.stream(options.input, key=bytes, value=str).flat_map_values(str.split, value=str).group_by(itself)
    words.count(store="counts").to_stream().to(options.out)


def windowed(windows: TimeWindows) -> Callable[[App, argparse.Namespace], None]:
    """W3 and W4: a count per auction and window, by event time."""

    def build(app: App, options: argparse.Namespace) -> None:
        bids = app.stream(options.input, key=bytes, value=Bid, timestamp="ts")
        counts = bids.group_by_key().windowed_by(windows).count(store="counts")
        counts.to_stream().map_values(counted, value=Counted).to(options.out)

    return build


def join(app: App, options: argparse.Namespace) -> None:
    """W5: bids with their auctions."""
    auctions = app.table(options.table, key=bytes, value=Auction)
    app.stream(options.input, key=bytes, value=Bid).join(auctions, sold).to(options.out)


def key_count(app: App, options: argparse.Namespace) -> None:
    """W6: a count per key, of as many keys as there are records."""
    app.stream(options.input, key=bytes, value=bytes).group_by_key().count(store="counts").to_stream().to(options.out)


WORKS: Final = {
    "W1": pass_through,
    "W2": word_count,
    "W3": windowed(tumbling("10s")),
    "W4": windowed(hopping("10s", advance="2s")),
    "W5": join,
    "W6": key_count,
}


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The comparison's interface; threads and session timeout have no meaning for one worker without members."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", choices=sorted(WORKS), required=True)
    parser.add_argument("--guarantee", choices=sorted(GUARANTEES), required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--in", dest="input", required=True)
    for name in ("out", "table", "group", "state"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--commit-ms", type=int)
    parser.add_argument("--cache-bytes", type=int)
    parser.add_argument("--combiners", type=int, choices=(0, 1), default=0, help="1: switched on")
    parser.add_argument("--threads", type=int, help="ignored: one worker")
    parser.add_argument("--session-ms", type=int, help="ignored: a worker is no member of a group")
    return parser.parse_args(given)


def application(options: argparse.Namespace) -> App:
    """The work as an application on the broker that is named."""
    settings = dict(GUARANTEES[options.guarantee], combiners=bool(options.combiners))
    if options.commit_ms is not None:
        settings["commit_interval_ms"] = options.commit_ms
    if options.cache_bytes is not None:
        settings["cache_max_bytes"] = options.cache_bytes
    app = App(options.group, broker=options.bootstrap, data_dir=options.state, **settings)
    WORKS[options.work](app, options)
    return app


if __name__ == "__main__":
    application(arguments()).run()
