"""How far an application has got, and committing that: by its own word, or now and then. Which offsets: ``backlog``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from contextlib import suppress

from streams.client.client import Client
from streams.client.errors import CommitFailed, RebalanceInProgress
from streams.client.group_settings import GroupIdentity
from streams.client.pending import Pending
from streams.client.public.backlog import Backlog
from streams.client.public.driver import Driver
from streams.client.public.steps import Steps
from streams.client.reader import Reader
from streams.errors import ClientError, ConfigError
from streams.model import OffsetAndMetadata, TopicPartition


class Progress:
    """One consumer's.

    Arguments:
        auto_commit_ms: how often to commit what the application has come back from; None for never.
    """

    def __init__(self, driver: Driver, reader: Reader, backlog: Backlog, auto_commit_ms: int | None) -> None:
        self._driver, self._reader, self._backlog = driver, reader, backlog
        self.auto_commit_ms = auto_commit_ms
        self._due_ms = driver.clock() + (auto_commit_ms or 0)
        self._trouble: ClientError | None = None

    def check(self) -> None:
        """Raise what an automatic commit was refused for."""
        trouble, self._trouble = self._trouble, None
        if trouble is not None:
            raise trouble

    @property
    def identity(self) -> GroupIdentity:
        identity = self._reader.identity
        if identity is None:
            raise ConfigError("a consumer without group= commits nothing; give it one")
        return identity

    def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata | int] | None) -> Future[None]:
        """Commit what the application has had, or these offsets."""
        _ = self.identity
        if offsets is None:
            held = self._backlog.held()
            return self._driver.ask(lambda _, __: self._reader.commit(self._reader.positions.uncommitted(held)))
        given = {
            place: OffsetAndMetadata(offset) if isinstance(offset, int) else offset for place, offset in offsets.items()
        }
        return self._driver.ask(lambda _, __: self._reader.commit(given))

    def positions(self) -> Future[dict[TopicPartition, OffsetAndMetadata]]:
        """What ``commit`` would commit."""
        held = self._backlog.held()
        return self._driver.call(lambda _, __: self._reader.positions.uncommitted(held))

    def committed(self, partitions: Iterable[TopicPartition]) -> Future[dict[TopicPartition, OffsetAndMetadata | None]]:
        group, wanted = self.identity.group_id, tuple(partitions)
        return self._driver.ask(lambda client, _: client.admin.committed(group, wanted))

    def commit_if_due(self) -> None:
        now_ms = self._driver.clock()
        if self.auto_commit_ms is None or now_ms < self._due_ms:
            return
        self._due_ms = now_ms + self.auto_commit_ms
        held = self._backlog.held()

        def commit(_: Client, __: int) -> None:
            self._reader.commit(self._reader.positions.uncommitted(held)).then(self._note)

        self._driver.call(commit)

    def commit_if_automatic(self) -> Steps[None]:
        if self.auto_commit_ms is None:
            return
        with suppress(CommitFailed, RebalanceInProgress):  # who has the partitions next reads it again
            yield self.commit(None)

    def _note(self, settled: Pending[None]) -> None:
        """An automatic commit is over. What a rebalance stopped is committed by the next one, or read again."""
        error = settled.error
        if isinstance(error, ClientError) and not isinstance(error, CommitFailed | RebalanceInProgress):
            self._trouble = error
