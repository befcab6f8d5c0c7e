"""Back to how things were before a record: a task's outputs, staged writes, changelogs and clocks.

Only in programs whose error policies may undo a record; those have no record caches, so all state is staged bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from state.transaction import TaskTransaction
from streams.model import OutputColumns

if TYPE_CHECKING:
    from state.task_stores import TaskStores
    from streams.operators.sink import Outputs


class Savepoint:
    """How far everything was when ``take`` was last called.

    Arguments:
        outputs: the task's.
        stores: the task's, or None; from now on their writes are written down.
        stream_times: the operators' clocks.
    """

    def __init__(self, outputs: Outputs, stores: TaskStores | None, stream_times: dict[str, int]) -> None:
        self._outputs = outputs
        self._stream_times = stream_times
        self._journal = None if stores is None else stores.transaction.keep_journal()
        self._changelogs = [] if stores is None else list(stores.changelogs().values())
        self._outputs_were: list[tuple[OutputColumns, int]] = []
        self._changelogs_were: list[int] = []
        self._times_were: dict[str, int] = {}

    def take(self) -> None:
        """From here on; called once per record."""
        self._outputs_were = [(columns, len(columns.keys)) for columns in self._outputs.open_columns()]
        if self._changelogs:
            self._changelogs_were = [len(changelog.keys) for changelog in self._changelogs]
        if self._journal:
            self._journal.clear()
        if self._stream_times:
            self._times_were = self._stream_times.copy()

    def undo(self) -> None:
        """Go back to the savepoint; only before outputs are drained or anything is prepared."""
        were = {id(columns): length for columns, length in self._outputs_were}
        for columns in self._outputs.columns():
            truncate(columns, were.get(id(columns), 0))
        if self._journal is not None:
            TaskTransaction.undo(self._journal)
            for changelog, length in zip(self._changelogs, self._changelogs_were, strict=True):
                changelog.truncate(length)
        self._stream_times.clear()
        self._stream_times.update(self._times_were)


def truncate(columns: OutputColumns, length: int) -> None:
    """Forget the rows after the first ``length``."""
    del columns.keys[length:], columns.values[length:], columns.timestamps[length:]
    if columns.partitions is not None:
        del columns.partitions[length:]
    if columns.headers is not None:
        del columns.headers[length:]
