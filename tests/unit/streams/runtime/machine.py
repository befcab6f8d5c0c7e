"""A simulated machine for tests of the runtime: the real broker, client and state over a disk in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from streams import App
from streams.client.client import Client
from streams.runtime.activity import Activity
from streams.runtime.embedded import EmbeddedBroker
from streams.runtime.worker import Worker
from tests.simulation.world import World

Rows = Sequence[tuple[str | None, str | None]]


def counting(**settings: Any) -> App:
    """Word count with a stateless branch."""
    app = App("words", **{"partitions": 2, "commit_interval_ms": 5, **settings})
    lines = app.stream("lines", key=str, value=str)
    lines.map_values(str.upper, value=str).to("shouted")
    words = lines.flat_map_values(str.split, value=str).group_by(str, key=str, name="by-word")
    words.count(store="counts").to_stream().to("counts")
    return app


class Machine:
    """A world with its broker open and one client, and an application's worker where one is wanted."""

    def __init__(self, build: Callable[..., App] = counting, *, lines: Rows = (), **settings: Any) -> None:
        self.world = World(build, settings=settings)
        if lines:
            self.world.write("lines", lines)
        self.embedded: EmbeddedBroker
        self.client: Client
        self.embedded, self.client = self.world.open()
        self.app = self.world.app()
        self.config = self.app.config()

    def do(self, activity: Activity[Any]) -> Any:
        """Run an activity to its end."""
        return self.world.call(self.client, activity)

    def worker(self, *, stop_at_end: bool = True, cache: bool = False) -> Worker:
        return Worker(
            topology=self.app.topology(), config=self.config, client=self.client, state=self.world.state,
            feeds=self.app.feeds, observer=self.world.observer, cache=cache, stop_at_end=stop_at_end,
        )  # fmt: skip

    def turn(self, worker: Worker, until: Callable[[], object], most: int = 5_000) -> None:
        """Turn the worker until a condition holds."""
        for _ in range(most):
            if until():
                return
            worker.run_once(self.world.now_ms)
            self.world.now_ms += 1
        raise AssertionError(f"it never came to that: {worker.metrics()}")

    def close(self) -> None:
        self.embedded.close(self.world.now_ms)
        self.world.state.close()
