"""The segments of one log in order: which one holds an offset, rolling to a new one, dropping old ones.

Positions inside a segment are ``segment``'s and ``reader``'s.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from broker_core.log.directory import LogDirectory
from broker_core.log.epochs import LeaderEpochs
from broker_core.log.producer_state import ProducerStates
from broker_core.log.segment import Segment
from broker_core.model import Offset
from broker_core.ports import File

MAX_LOADED_INDEXES: Final = 16
"""Sealed segments per log whose indexes stay in memory."""


class SegmentList:
    """All segments; the last one is active.

    Arguments:
        segments: at least one, ascending.
    """

    __slots__ = ("_bases", "_directory", "_loaded", "_segments", "active")

    def __init__(self, directory: LogDirectory, segments: list[Segment]) -> None:
        self._directory = directory
        self._segments = segments
        self._bases = [segment.base_offset for segment in segments]
        self._loaded: list[Segment] = []
        self.active = segments[-1]

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._segments)

    def __len__(self) -> int:
        return len(self._segments)

    @property
    def first(self) -> Segment:
        return self._segments[0]

    @property
    def size_bytes(self) -> int:
        return sum(segment.size_bytes for segment in self._segments)

    def from_offset(self, offset: Offset) -> list[Segment]:
        """The segment that holds ``offset`` (or the first one) and all later ones."""
        if offset >= self.active.base_offset:
            return [self.active]
        return self._segments[max(0, bisect_right(self._bases, offset) - 1) :]

    def holding(self, offset: Offset) -> Segment:
        """The segment that holds ``offset``, or the first one."""
        if offset >= self.active.base_offset:
            return self.active
        segment = self._segments[max(0, bisect_right(self._bases, offset) - 1)]
        self._remember(segment)
        return segment

    def after(self, segment: Segment) -> Segment | None:
        index = bisect_right(self._bases, segment.base_offset)
        return self._segments[index] if index < len(self._segments) else None

    def unsynced_files(self, synced_offset: Offset) -> tuple[File, ...]:
        """Log files with anything at or beyond ``synced_offset``, newest first."""
        files = []
        for segment in reversed(self._segments):
            if segment.next_offset <= synced_offset:
                break
            files.append(segment.file)
        return tuple(files)

    def roll(self, producers: ProducerStates, epochs: LeaderEpochs) -> None:
        """Seal the active segment and go on in a new one.

        The files beside the old log are durable before the new log exists: a segment that is not the last one can
        be trusted if it lies below the recovery point. After an OSError the old segment is still the active one.
        """
        old, directory = self.active, self._directory
        directory.seal(old, epochs)
        directory.write_snapshot(old.next_offset, producers)
        directory.write_epochs(epochs)
        directory.sync()
        new = directory.segment(old.next_offset)
        try:
            new.create(directory.config.initial_file_bytes)
            directory.sync()
        except OSError:
            new.remove()  # if this fails too, its OSError is the caller's reason to give the log up
            raise
        self._segments.append(new)
        self._bases.append(new.base_offset)
        self.active = new
        self._remember(old)

    def drop_first(self) -> None:
        """Remove the oldest segment, which must not be the active one, durably: done again and again from the front, a
        crash leaves no gap. Raises OSError."""
        assert len(self._segments) > 1
        segment = self._segments.pop(0)
        self._bases.pop(0)
        self._forget(segment)
        segment.remove()
        self._directory.remove_snapshot(segment.base_offset)
        self._directory.sync()

    def replace(self, old: Sequence[Segment], new: Segment) -> None:
        """``new`` holds what is left of ``old``, which follow each other; their files are the caller's business."""
        first = self._segments.index(old[0])
        assert self._segments[first : first + len(old)] == list(old) and self.active not in old
        assert new.base_offset == old[0].base_offset and new.next_offset == old[-1].next_offset
        for segment in old:
            self._forget(segment)
        self._segments[first : first + len(old)] = [new]
        self._bases[first : first + len(old)] = [new.base_offset]
        self._remember(new)

    def close(self) -> None:
        for segment in self._segments:
            segment.close()

    def _forget(self, segment: Segment) -> None:
        if segment in self._loaded:
            self._loaded.remove(segment)

    def _remember(self, segment: Segment) -> None:
        if segment in self._loaded:
            return
        self._loaded.append(segment)
        if len(self._loaded) > MAX_LOADED_INDEXES:
            self._loaded.pop(0).unload()
