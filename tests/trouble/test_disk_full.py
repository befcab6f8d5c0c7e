"""No space left, at every write of a commit: a message or a wait, nothing acknowledged lost; it goes on with space.

On the simulated machine, because the fault has to be put into one write of many. A disk that stays full is one whose
reserve (``min_free_bytes``) somebody else has used up; before that, clients' writes are refused.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import Any

import pytest

from broker_core.errors import StorageError
from broker_core.os_filesystem import OsFilesystem
from streams import App
from streams.errors import ClientError
from streams.runtime.access import send_records
from streams.runtime.activity import Running
from streams.runtime.worker import Worker
from tests.simulation.world import World
from tests.trouble.kit import Console

LINES: list[tuple[str | None, str | None]] = [("k", f"a b{index % 3}") for index in range(24)]
PATIENCE_TURNS = 1_000
MARGIN = 256 * 1024 * 1024
"""The reserve of a broker by default."""


def build(**settings: Any) -> App:
    app = App("full", **{"partitions": 1, "commit_interval_ms": 4, "fetch_max_bytes": 300, **settings})
    lines = app.stream("lines", key=str, value=str)
    lines.map_values(str.upper, value=str).to("shouted")
    words = lines.flat_map_values(str.split, value=str).group_by(str, key=str, name="by-word")
    words.count(store="counts").to_stream().to("counts")
    return app


def new_world(**settings: Any) -> World:
    world = World(build, settings=settings)
    for start in range(0, len(LINES), 4):
        world.write("lines", LINES[start : start + 4])
    return world


class FullDisk:
    """Refuses writes from the ``number``-th after a point on; ``once`` or until there is space again."""

    def __init__(self, world: World, number: int, *, once: bool, commit: int = 2) -> None:
        self._number, self._once, self._commit = number, once, commit
        self._commits = 0
        self._armed = commit == 0
        self.seen = 0
        self.refused: str | None = None
        self.enabled = True
        world.disk.faults.hook = self.before
        world.observer.crash_at = self.listen

    def listen(self, name: str, fields: dict[str, object]) -> bool:
        """An observer that never crashes: it arms the fault when the commit begins and disarms it after the next."""
        if name == "commit.step" and fields["step"] == "flush_caches" and fields["at"] == "before":
            self._commits += 1
            self._armed = self._armed or self._commits == self._commit
        return False

    def before(self, operation: str, path: str) -> None:
        if not (self._armed and self.enabled and operation in ("write", "create", "make_directory")):
            return
        number, self.seen = self.seen, self.seen + 1
        if number == self._number or (number > self._number and not self._once):
            self.refused = self.refused or path
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def live(world: World, full: FullDisk | None) -> Exception | None:
    """One life of the process, ended as ``Supervisor`` ends it; waits for space for a while, then gives it."""
    try:
        embedded, client = world.open()
    except StorageError as error:
        return error
    app = world.app()
    worker = Worker(
        topology=app.topology(), config=app.config(), client=client, state=world.state, feeds=app.feeds,
        observer=world.observer, cache=False, stop_at_end=True,
    )  # fmt: skip
    failure: Exception | None = None
    try:
        for turn in range(20 * PATIENCE_TURNS):
            if turn == PATIENCE_TURNS and full is not None:
                full.enabled = False
            worker.run_once(world.now_ms)
            world.now_ms += 1
            if worker.finished:
                break
        else:
            raise AssertionError(f"no end even with space: {worker.metrics()}")
    except (StorageError, ClientError) as error:
        failure = error
        aborting = Running(worker.abort())
        with suppress(StorageError, ClientError):
            while not aborting.done:
                client.poll(world.now_ms)
                aborting.advance()
                world.now_ms += 1
        worker.close()
    with suppress(StorageError):
        embedded.close(world.now_ms)
    world.state.close()
    return failure


def results(world: World) -> tuple[Any, Any]:
    shouted = [(record.key, record.value) for record in world.read("shouted")]
    return shouted, world.store("counts")


EXPECTED = (
    [(b"k", str(line).upper().encode()) for _, line in LINES],
    {b"a": b"24", b"b0": b"8", b"b1": b"8", b"b2": b"8"},
)


def test_the_undisturbed_run() -> None:
    world = new_world()
    assert live(world, None) is None
    assert results(world) == EXPECTED


@pytest.mark.parametrize("guarantee", ["exactly_once", "at_least_once"])
@pytest.mark.parametrize("once", [True, False], ids=["one write", "all writes"])
def test_at_every_write_of_a_commit(once: bool, guarantee: str) -> None:
    """From the second commit on: whatever write is refused, what readers see afterwards is each result once (at least
    once: nothing is missing), in this life if space comes back in time, in the next one otherwise."""
    reference = new_world(guarantee=guarantee)
    assert live(reference, None) is None
    expected = results(reference)
    number, failures, survived = 0, 0, 0
    while True:
        world = new_world(guarantee=guarantee)
        full = FullDisk(world, number, once=once)
        failure = live(world, full)
        if full.refused is None:
            break
        if failure is None:
            survived += 1
        else:
            failures += 1
            text = str(failure)
            assert "No space left on device" in text or "the log's disk is full" in text or "given up" in text, text
        world.disk.faults.hook = None
        assert live(world, None) is None
        got = results(world)
        if guarantee == "exactly_once":
            assert got == expected, f"write {number}, {full.refused}: {text if failure else 'survived'}"
        else:
            assert [*dict.fromkeys(got[0])] == [*dict.fromkeys(expected[0])], f"write {number}, {full.refused}"
            assert len(got[0]) >= len(expected[0])
            assert all(int(got[1][word]) >= int(count) for word, count in expected[1].items())
        number += 1
    assert number > 20, "hardly anything was written"
    assert survived, "a wait for space never helped"
    assert failures or once


@pytest.mark.parametrize("number", range(0, 60, 4))
def test_at_a_write_of_the_start(number: int) -> None:
    """Topics, catalog and transactional id cannot be made: a message with the file; the next start makes them."""
    world = new_world()
    failure = live(world, FullDisk(world, number, once=False, commit=0))
    if failure is not None:
        assert "No space left on device" in str(failure) or "the log's disk is full" in str(failure)
    world.disk.faults.hook = None
    assert live(world, None) is None
    assert results(world) == EXPECTED


def test_clients_are_refused_before_the_disk_is_full() -> None:
    """The message says how much is free, what must stay free and what to do; with space the same write goes through."""
    world = new_world()
    embedded, client = world.open()
    config = world.app().config()
    record = (b"k", b"x" * 1_000, world.now_ms, ())
    enough, world.disk.available_bytes = world.disk.available_bytes, MARGIN + 100
    with pytest.raises(ClientError, match=r"writing to lines-0 .*disk full: 256 MiB free in the data directory, 256 "
                       r"MiB must stay free \(min_free_bytes\); free some space or shorten retention"):  # fmt: skip
        world.call(client, send_records(client, config, "lines", [record]))
    world.disk.available_bytes = enough
    world.call(client, send_records(client, config, "lines", [record]))
    embedded.close(world.now_ms)
    assert len(world.read("lines")) == len(LINES) + 1


def test_an_application_stops_and_goes_on_with_space() -> None:
    """The reserve lets it end its transaction properly: readers see whole commits, and need not wait for a timeout."""
    world = new_world()
    enough, world.disk.available_bytes = world.disk.available_bytes, MARGIN + 1_000
    assert isinstance(live(world, None), ClientError)
    seen = [(record.key, record.value) for record in world.read("shouted")]
    assert seen == EXPECTED[0][: len(seen)]
    world.disk.available_bytes = enough
    assert live(world, None) is None
    assert results(world) == EXPECTED


def test_on_a_real_disk_the_message_says_what_to_do(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way to write: a run, a record by hand, a new topic; and everything that is there can still be read."""
    name = console.file(
        "nearly_full.py",
        """
        from streams import App
        app = App("words", data_dir="data", partitions=1)
        app.stream("lines", key=str, value=str).group_by_key().count(store="counts").to_stream().to("out")
        """,
    )
    assert console("run", name, "--until-end", "--quiet").status == 0
    assert console("produce", "lines", "a", "b", "--key", "k", "--data-dir", "data").status == 0
    with monkeypatch.context() as patch:
        patch.setattr(OsFilesystem, "free_bytes", lambda self: 100 * 2**20)
        for command in (
            ("run", name, "--until-end", "--quiet"),
            ("produce", "lines", "c", "--data-dir", "data"),
        ):
            done = console(*command)
            assert done.status == 1, command
            assert "disk full: 100 MiB free in the data directory, 256 MiB must stay free" in done.error, command
            assert "free some space or shorten retention" in done.error
        assert console("consume", "lines", "--data-dir", "data").out == "k\ta\nk\tb\n"
        assert console("consume", "out", "--data-dir", "data").out == ""
    assert console("run", name, "--until-end", "--quiet", "--no-cache").status == 0
    assert console("consume", "out", "--data-dir", "data", "--value", "json").out == "k\t1\nk\t2\n"
