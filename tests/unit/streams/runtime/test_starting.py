"""The start, in the order that exactly-once needs."""

from __future__ import annotations

from streams import App
from tests.unit.streams.runtime.machine import Machine

LINES = [("k", "a b"), ("k", "b c")]


def test_the_order_of_requests() -> None:
    """Topics; the transactional id; committed offsets; changelogs; and only then input."""
    machine = Machine(lines=LINES)
    asked: list[str] = []
    handle = machine.embedded.broker.handle

    def listening(connection, request, now_ms):  # type: ignore[no-untyped-def]
        asked.append(type(request.body).__name__.removesuffix("Request"))
        return handle(connection, request, now_ms)

    machine.embedded.broker.handle = listening  # type: ignore[method-assign]
    worker = machine.worker()
    machine.turn(worker, lambda: worker.totals.processed)
    order = ["CreateTopics", "InitProducerId", "OffsetFetch", "ListOffsets", "Fetch"]
    first = [asked.index(name) for name in order]
    assert first == sorted(first), asked


def test_input_goes_on_where_the_last_run_committed() -> None:
    machine = Machine(lines=LINES)
    worker = machine.worker()
    machine.turn(worker, lambda: worker.finished)
    machine.close()
    machine.world.write("lines", [("k", "d")])
    again = machine.world.run()
    assert again.metrics().records_processed == 2
    assert machine.world.store("counts").keys() == {b"a", b"b", b"c", b"d"}


def test_a_failed_start_leaves_no_task_open() -> None:
    machine = Machine(lines=LINES)
    worker = machine.worker()
    machine.turn(worker, lambda: "restore.started" in machine.world.observer.names() or worker.tasks)
    worker.close()
    for task in machine.world.state.tasks():
        machine.world.state.open_task(task, ())
        machine.world.state.close_task(task)


def test_caches_share_the_limit_over_tasks_with_state() -> None:
    machine = Machine(lines=LINES, cache_max_bytes=1_000)
    worker = machine.worker(cache=True)
    machine.turn(worker, lambda: worker.tasks)
    limits = {running.stores.cache("counts").max_bytes for running in worker.tasks if running.plan.subtopology.stores}
    assert limits == {500}


def test_an_application_without_state_or_feeds() -> None:
    def build(**settings: object) -> App:
        app = App("plain", partitions=1, **settings)  # type: ignore[arg-type]
        app.stream("lines", key=str, value=str).to("out")
        return app

    machine = Machine(build, lines=LINES)
    worker = machine.worker()
    machine.turn(worker, lambda: worker.finished)
    machine.close()
    assert [record.value for record in machine.world.read("out")] == [b"a b", b"b c"]
