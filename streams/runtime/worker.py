"""The worker: one turn of everything that an application does, never blocking.

``Worker.run_once(now_ms)`` pumps the client, buffers what came, feeds, processes and commits. It reads no clock, knows
no thread and no file; ``supervisor`` is the shell around it, and a simulation can be one too. What takes several round
trips (start, commit, the check for the end) is an activity; while one is under way no record is processed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from streams.client.client import Client
from streams.client.producer import Producer
from streams.codegen import compile_subtopology
from streams.codegen.counters import DropCounters
from streams.commit import commit_plan
from streams.config import Guarantee, StreamsConfig
from streams.errors import TransactionAborted
from streams.model import OutputColumns
from streams.ports import NullObserver, Observer, TaskStateOpener
from streams.runtime.activity import Activity, Running, wait
from streams.runtime.committing import Committer
from streams.runtime.flow import InputFlow
from streams.runtime.lifecycle import WorkerEvent, WorkerState, next_state
from streams.runtime.metrics import WorkerMetrics
from streams.runtime.starting import Started, Starter
from streams.runtime.topics import learn_topics
from streams.task.lifecycle import TaskEvent
from streams.topology.compile import CompiledTopology
from streams.topology.feed import Feed

PROCESS_BUDGET_RECORDS: Final = 5_000
"""Records per task and turn: about 5 ms, so that a commit is never late by more."""
FEED_BUDGET_RECORDS: Final = 2_000
END_CHECK_INTERVAL_MS: Final = 10
"""How often a worker that is to stop at the end asks where the end is."""


class Worker:
    """Runs all tasks of one application.

    Arguments:
        topology: compiled.
        config: settings.
        client: pumped by this worker alone.
        state: opens the tasks' local state.
        feeds: sources to feed from.
        observer: hears of states, commit steps and restores.
        cache: whether record caches are used (on in production; off, every update is sent on).
        stop_at_end: stop once all inputs and internal topics are at their ends and committed.
    """

    def __init__(
        self,
        *,
        topology: CompiledTopology,
        config: StreamsConfig,
        client: Client,
        state: TaskStateOpener,
        feeds: Sequence[Feed] = (),
        observer: Observer | None = None,
        cache: bool = True,
        stop_at_end: bool = False,
    ) -> None:
        self._config = config
        self._client = client
        self._state_opener = state
        self._observer = observer or NullObserver()
        self._counters = DropCounters()
        self._exactly_once = config.guarantee is Guarantee.EXACTLY_ONCE
        self._plan = commit_plan(config.guarantee)
        self._stop_at_end = stop_at_end
        self._stop_requested = False
        self._now_ms = 0
        self._producer = self._make_producer()
        self._starter_of: Callable[[Producer], Starter] = lambda producer: Starter(
            topology=topology,
            programs={sub.id: compile_subtopology(sub, cache=cache) for sub in topology.subtopologies},
            config=config,
            client=client,
            producer=producer,
            state=state,
            feeds=feeds,
            observer=self._observer,
            counters=self._counters,
            now=lambda: self._now_ms,
        )
        self.state = WorkerState.CREATED
        self._started: Started | None = None
        self._flow: InputFlow | None = None
        self._committer: Committer | None = None
        self._activity: Running[Any] | None = None
        self._last_commit_ms = 0
        self._end_check_ms = 0
        self._dirty = False
        self._totals = {"processed": 0, "fed": 0, "commits": 0}
        self._commit_duration_ms = 0

    # -- the turn ------------------------------------------------------------------------------------------------

    def run_once(self, now_ms: int) -> bool:
        """One turn; True if anything moved (then call again at once), False to wait for the client or a deadline.

        Raises:
            ProcessingError, ClientError, StateError, ...: the worker has failed; ``close`` it. Nothing after the last
                commit has been lost or is visible.
        """
        self._now_ms = now_ms
        try:
            moved = self._client.poll(now_ms)
            if self.state is WorkerState.CREATED:
                self._begin(self._start(), WorkerEvent.START)
            if self._activity is not None:
                return self._advance() or moved
            if self.state is WorkerState.RUNNING:
                return self._run(now_ms) or moved
        except TransactionAborted as error:
            self._start_again(error)
            return True
        except BaseException:
            self._move(WorkerEvent.FAIL)
            raise
        return moved

    def next_deadline(self) -> int | None:
        """When ``run_once`` is due at the latest, in milliseconds."""
        deadlines = [self._client.next_deadline()]
        if self._dirty and self._activity is None:
            deadlines.append(self._last_commit_ms + self._config.commit_interval_ms)
        if self._stop_at_end and self._activity is None:
            deadlines.append(self._end_check_ms)
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def request_stop(self) -> None:
        """Commit what was done, close, and finish; takes effect within the next turns."""
        self._stop_requested = True

    @property
    def finished(self) -> bool:
        return self.state in (WorkerState.STOPPED, WorkerState.FAILED)

    def close(self) -> None:
        """Give local state and the open activity up, in any state. A failed worker's transaction stays open for the
        next start to abort unless ``abort`` was run first."""
        if self._activity is not None:
            self._activity.close()
            self._activity = None
        if self._started is not None:
            for running in self._started.tasks:
                running.task.move(TaskEvent.CLOSE)
                self._state_opener.close_task(running.plan.id)
            self._started = None
        if self.state is not WorkerState.STOPPED:
            self.state = WorkerState.FAILED

    def abort(self) -> Activity[None]:
        """After a failure: abort the open transaction, so that readers need not wait for its timeout."""
        if self._exactly_once and self._committer is not None and self._producer.fatal_error is None:
            yield from wait(self._producer.abort())

    def metrics(self) -> WorkerMetrics:
        """A snapshot of counts, lag and state size."""
        tasks = self._started.tasks if self._started is not None else []
        return WorkerMetrics(
            state=self.state.value,
            records_processed=self._totals["processed"],
            records_fed=self._totals["fed"],
            lag=self._flow.lag() if self._flow is not None else 0,
            commits=self._totals["commits"],
            last_commit_ms=self._commit_duration_ms,
            state_bytes=sum(running.stores.backend.size_bytes() for running in tasks),
            state_rows=sum(
                running.stores.backend.approximate_count(spec.name)
                for running in tasks
                for spec in running.plan.subtopology.stores
            ),
            dropped={f"{operator}: {reason}": count for (operator, reason), count in self._counters.counts.items()},
        )

    @property
    def started(self) -> Started | None:
        """The tasks and their stores, for queries; None before the start and after the end."""
        return self._started

    # -- parts of a turn ------------------------------------------------------------------------------------------

    def _run(self, now_ms: int) -> bool:
        assert self._started is not None and self._flow is not None
        moved = self._flow.receive()
        fed = self._feed(now_ms)
        processed = 0
        for running in self._started.tasks:
            processed += running.task.process(PROCESS_BUDGET_RECORDS, self._flow.is_caught_up)
        if processed:
            self._totals["processed"] += processed
            self._send_outputs()
        self._dirty = self._dirty or bool(fed or processed)
        if self._commit_is_due(now_ms):
            self._begin(self._commit(), WorkerEvent.COMMIT)
            return True
        if self._stop_requested:
            self._begin(self._stop(), WorkerEvent.STOP)
            return True
        idle = not (moved or fed or processed or self._dirty)
        if self._stop_at_end and idle and self._feeds_are_done() and now_ms >= self._end_check_ms:
            self._end_check_ms = now_ms + END_CHECK_INTERVAL_MS
            self._begin(self._check_end(), WorkerEvent.COMMIT)
            return True
        return bool(moved or fed or processed)

    def _feed(self, now_ms: int) -> int:
        """Feed no further ahead than the tasks can follow; the log is not a place to hide a slow topology in."""
        assert self._started is not None and self._flow is not None
        if not self._started.feeds or self._stop_requested or self._flow.is_behind():
            return 0
        fed = sum(feed.feed(FEED_BUDGET_RECORDS, now_ms) for feed in self._started.feeds)
        self._totals["fed"] += fed
        return fed

    def _feeds_are_done(self) -> bool:
        assert self._started is not None
        return all(feed.exhausted for feed in self._started.feeds)

    def _commit_is_due(self, now_ms: int) -> bool:
        assert self._started is not None
        if not self._dirty:
            return False
        if self._stop_requested or now_ms - self._last_commit_ms >= self._config.commit_interval_ms:
            return True
        staged = sum(running.stores.transaction.staged_bytes for running in self._started.tasks)
        return staged >= self._config.staging_max_bytes

    def _send_outputs(self) -> None:
        """Hand the tasks' output columns to the producer; topics of unknown size are looked up first."""
        assert self._started is not None
        columns = [out for running in self._started.tasks for out in running.task.drain_outputs()]
        emitting = Running(self._emit(columns))
        emitting.advance()
        if not emitting.done:
            self._activity = emitting

    def _emit(self, columns: Sequence[OutputColumns]) -> Activity[None]:
        assert self._started is not None
        counts = self._started.counts
        unknown = [out.topic for out in columns if out.topic not in counts]
        if unknown:
            create_with = self._config.partitions if self._config.broker is None else None
            counts.update((yield from learn_topics(self._client.admin, unknown, create_with=create_with)))
        for out in columns:
            self._producer.append_output(out, counts[out.topic])

    # -- activities -----------------------------------------------------------------------------------------------

    def _begin(self, activity: Activity[None], event: WorkerEvent) -> None:
        self._move(event)
        self._activity = Running(activity)

    def _advance(self) -> bool:
        assert self._activity is not None
        moved = self._activity.advance()
        if self._activity is not None and self._activity.done:
            self._activity = None
        return moved

    def _start(self) -> Activity[None]:
        starter = self._starter_of(self._producer)
        started = yield from starter.start()
        self._started = started
        self._flow = InputFlow(
            consumer=started.consumer, tasks=started.tasks, buffered_records=self._config.buffered_records
        )
        self._committer = Committer(
            config=self._config,
            producer=self._producer,
            admin=self._client.admin,
            tasks=started.tasks,
            feeds=started.feeds,
            emit=self._emit,
            observer=self._observer,
            now=lambda: self._now_ms,
        )
        self._committer.note_committed(started.committed)
        self._committer.begin()
        self._last_commit_ms = self._now_ms
        self._move(WorkerEvent.STARTED)

    def _commit(self) -> Activity[None]:
        assert self._committer is not None
        began_ms = self._now_ms
        yield from self._committer.commit(self._plan)
        self._committer.begin()
        self._dirty = False
        self._last_commit_ms = self._now_ms
        self._commit_duration_ms = self._now_ms - began_ms
        self._totals["commits"] += 1
        self._observer.event("commit.done", duration_ms=self._commit_duration_ms)
        self._move(WorkerEvent.COMMITTED)

    def _check_end(self) -> Activity[None]:
        """Stop if every input is read up to its very end, markers of the last transaction included."""
        assert self._flow is not None
        at_end = yield from self._flow.is_at_end(self._client.admin)
        self._move(WorkerEvent.COMMITTED)
        if at_end:
            self.request_stop()

    def _stop(self) -> Activity[None]:
        """All is committed; make local state durable (closing does) and let go."""
        assert self._started is not None
        for running in self._started.tasks:
            running.task.move(TaskEvent.CLOSE)
            self._state_opener.close_task(running.plan.id)
        self._started.consumer.assign({})
        self._started = None
        self._move(WorkerEvent.STOPPED)
        return
        yield  # an activity, though this one never waits

    def _start_again(self, error: TransactionAborted) -> None:
        """The transaction cannot be committed, but nobody took our place: drop everything and restore."""
        self._observer.event("worker.restarting", reason=str(error))
        stop_requested = self._stop_requested
        if self._started is not None:
            self._started.consumer.assign({})
        state = self.state
        self.close()
        self.state = state
        self._move(WorkerEvent.RESTART)
        self._producer = self._make_producer()
        self._dirty = False
        self._stop_requested = stop_requested
        self._activity = Running(self._start())

    def _make_producer(self) -> Producer:
        if not self._exactly_once:
            return self._client.producer()
        return self._client.producer(
            transactional_id=f"{self._config.application_id}-0",
            transaction_timeout_ms=self._config.transaction_timeout_ms,
        )

    def _move(self, event: WorkerEvent) -> None:
        self.state = next_state(self.state, event)
        self._observer.event("worker.state", state=self.state.value)

