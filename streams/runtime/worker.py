"""The worker: one turn of everything that an application does, never blocking.

``Worker.run_once(now_ms)`` pumps the client and then either advances the activity under way (start, commit, the check
for the end) or takes a turn of the engine. It reads no clock, knows no thread and no file; ``supervisor`` is the shell
around it, and a simulation can be one too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from state.errors import CorruptState
from streams.client.client import Client
from streams.client.producer import Producer
from streams.codegen import compile_subtopology
from streams.codegen.counters import DropCounters
from streams.commit import commit_plan
from streams.config import Guarantee, StreamsConfig
from streams.errors import TransactionAborted
from streams.ports import NullObserver, Observer, TaskStateOpener
from streams.runtime.activity import Activity, Running, wait
from streams.runtime.committing import Committer
from streams.runtime.engine import Engine
from streams.runtime.lifecycle import WorkerEvent, WorkerState, next_state
from streams.runtime.metrics import Totals, WorkerMetrics, snapshot
from streams.runtime.purging import Purger
from streams.runtime.starting import Starter
from streams.runtime.tasks import RunningTask
from streams.task.lifecycle import TaskEvent
from streams.topology.compile import CompiledTopology
from streams.topology.feed import Feed

END_CHECK_INTERVAL_MS: Final = 10
"""How often a worker that is to stop at the end asks where the end is."""
MOST_LOST_IN_A_ROW: Final = 3
"""Transactions lost without a commit in between: one more is no accident (a record too large for its topic, say)."""


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
        self._topology = topology
        self._programs = {sub.id: compile_subtopology(sub, cache=cache) for sub in topology.subtopologies}
        self._config = config
        self._client = client
        self._state_opener = state
        self._feeds = feeds
        self._observer = observer or NullObserver()
        self._counters = DropCounters()
        self._stop_at_end = stop_at_end
        self._stop_requested = False
        self._now_ms = 0
        self._last_commit_ms = 0
        self._end_check_ms = 0
        self._dirty = False
        self._lost_in_a_row = 0
        self.totals = Totals()
        self.state = WorkerState.CREATED
        self._producer: Producer | None = None
        self._engine: Engine | None = None
        self._committer: Committer | None = None
        self._purger: Purger | None = None
        self._activity: Running[Any] | None = None

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
            if self._stop_requested and self._has_nothing_to_commit:
                self._move(WorkerEvent.STOP)
                self._close_tasks()
                self._move(WorkerEvent.STOPPED)
                return True
            if self._activity is not None:
                moved = self._activity.advance() or moved
                if self._activity is not None and self._activity.done:
                    self._activity = None
                return moved
            if self.state is WorkerState.RUNNING:
                return self._take_turn(now_ms) or moved
        except (TransactionAborted, CorruptState) as error:
            self._start_again(error)
            return True
        except BaseException:
            self._move(WorkerEvent.FAIL)
            raise
        return moved

    def next_deadline(self) -> int | None:
        """When ``run_once`` is due at the latest, in milliseconds."""
        deadlines = [self._client.next_deadline()]
        if self._engine is not None and self._activity is None:
            deadlines.append(self._engine.next_deadline())
        if self._dirty and self._activity is None:
            deadlines.append(self._last_commit_ms + self._config.commit_interval_ms)
        if self._stop_at_end and self._activity is None:
            deadlines.append(self._end_check_ms)
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def request_stop(self) -> None:
        """Commit what was done, close, and finish; within the next turns, however much input is left."""
        self._stop_requested = True

    @property
    def finished(self) -> bool:
        return self.state in (WorkerState.STOPPED, WorkerState.FAILED)

    @property
    def tasks(self) -> Sequence[RunningTask]:
        """The tasks and their stores, for queries; empty before the start and after the end."""
        return self._engine.tasks if self._engine is not None else ()

    def metrics(self) -> WorkerMetrics:
        """A snapshot of counts, lag and state size."""
        return snapshot(self.state.value, self.totals, self._engine, self._counters)

    def abort(self) -> Activity[None]:
        """After a failure: abort the open transaction, so that readers need not wait for its timeout."""
        producer = self._producer
        if self._config.guarantee is Guarantee.AT_LEAST_ONCE or self._engine is None or producer is None:
            return
        if producer.fatal_error is None:
            yield from wait(producer.abort())

    def close(self) -> None:
        """Give local state and the activity under way up, in any state. What was not committed is as if it never was;
        a transaction left open is aborted by the next start."""
        self._close_tasks()
        if self.state is not WorkerState.STOPPED:
            self.state = WorkerState.FAILED

    def _take_turn(self, now_ms: int) -> bool:
        assert self._engine is not None and self._committer is not None
        turn = self._engine.turn(now_ms, feeding=not self._stop_requested)
        self.totals.processed += turn.processed
        self.totals.fed += turn.fed
        self._dirty = self._dirty or turn.made_dirty or self._committer.offsets_are_old
        is_idle = self._stop_at_end and not turn.moved and not self._dirty and self._engine.feeds_are_done
        if self._engine.unsent is not None:
            self._activity, self._engine.unsent = self._engine.unsent, None
        elif self._commit_is_due(now_ms):
            self._begin(self._commit(), WorkerEvent.COMMIT)
        elif is_idle and now_ms >= self._end_check_ms:
            self._end_check_ms = now_ms + END_CHECK_INTERVAL_MS
            self._begin(self._check_end(), WorkerEvent.COMMIT)
        else:
            return turn.moved
        return True

    @property
    def _has_nothing_to_commit(self) -> bool:
        """Whether a stop may take effect now: nothing runs yet, or nothing was done since the last commit."""
        if self.state is WorkerState.STARTING:
            return True
        return self.state is WorkerState.RUNNING and self._activity is None and not self._dirty

    def _commit_is_due(self, now_ms: int) -> bool:
        assert self._engine is not None
        if not self._dirty:
            return False
        if self._stop_requested or now_ms - self._last_commit_ms >= self._config.commit_interval_ms:
            return True
        return self._engine.staged_bytes >= self._config.staging_max_bytes

    def _begin(self, activity: Activity[None], event: WorkerEvent) -> None:
        self._move(event)
        self._activity = Running(activity)

    def _start(self) -> Activity[None]:
        self._producer = producer = _producer_of(self._client, self._config)
        starter = Starter(
            topology=self._topology,
            programs=self._programs,
            config=self._config,
            client=self._client,
            producer=producer,
            state=self._state_opener,
            feeds=self._feeds,
            observer=self._observer,
            counters=self._counters,
            now=lambda: self._now_ms,
        )
        started = yield from starter.start()
        self._engine = Engine(started, config=self._config, producer=producer, admin=self._client.admin)
        self._committer = Committer(
            config=self._config,
            producer=producer,
            admin=self._client.admin,
            tasks=started.tasks,
            feeds=started.feeds,
            emit=self._engine.emit,
            observer=self._observer,
            now=lambda: self._now_ms,
        )
        self._committer.note_committed(started.committed)
        self._committer.begin()
        repartitions = [topic.name for topic in self._topology.internal_topics if topic.kind == "repartition"]
        self._purger = Purger(self._client.admin, repartitions, self._observer, self._now_ms)
        self._last_commit_ms = self._now_ms
        self._move(WorkerEvent.STARTED)

    def _commit(self) -> Activity[None]:
        assert self._committer is not None and self._purger is not None
        began_ms = self._now_ms
        yield from self._committer.commit(commit_plan(self._config.guarantee))
        self._committer.begin()
        self._dirty = False
        self._lost_in_a_row = 0
        self._last_commit_ms = self._now_ms
        self.totals.commits += 1
        self.totals.last_commit_ms = self._now_ms - began_ms
        self._purger.committed(self._committer.committed, self._now_ms)
        self._observer.event("commit.done", duration_ms=self.totals.last_commit_ms)
        for (operator, reason), count in self._counters.take_new().items():
            self._observer.event("record.dropped", operator=operator, reason=reason, count=count)
        self._move(WorkerEvent.COMMITTED)

    def _check_end(self) -> Activity[None]:
        """Stop if every input is read up to its very end, markers of the last transaction included."""
        assert self._engine is not None
        at_end = yield from self._engine.flow.is_at_end(self._client.admin)
        self._move(WorkerEvent.COMMITTED)
        if at_end:
            self.request_stop()

    def _start_again(self, error: TransactionAborted | CorruptState) -> None:
        """The transaction cannot be committed, but nobody took our place: drop everything and restore."""
        self._lost_in_a_row += isinstance(error, TransactionAborted)
        is_hopeless = isinstance(error, CorruptState) and not self._state_opener.set_aside(error)
        if is_hopeless or self._lost_in_a_row > MOST_LOST_IN_A_ROW:
            self._move(WorkerEvent.FAIL)
            raise error
        self._observer.event("worker.restarting", reason=str(error))
        self._close_tasks()
        if self._producer is not None:
            self._client.release(self._producer)
        self._dirty = False
        self._begin(self._start(), WorkerEvent.RESTART)

    def _close_tasks(self) -> None:
        """Give the activity under way up, make what was applied durable and let go of it."""
        if self._activity is not None:
            self._activity.close()
            self._activity = None
        engine, self._engine = self._engine, None
        if engine is None:
            return
        engine.flow.stop()
        self._client.release(engine.consumer)
        for running in engine.tasks:
            running.task.move(TaskEvent.CLOSE)
            self._state_opener.close_task(running.plan.id)

    def _move(self, event: WorkerEvent) -> None:
        self.state = next_state(self.state, event)
        self._observer.event("worker.state", state=self.state.value)


def _producer_of(client: Client, config: StreamsConfig) -> Producer:
    if config.guarantee is Guarantee.AT_LEAST_ONCE:
        return client.producer()
    return client.producer(
        transactional_id=f"{config.application_id}-0", transaction_timeout_ms=config.transaction_timeout_ms
    )
