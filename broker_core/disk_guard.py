"""Refuses clients' writes while the disk is nearly full, so that what must be written still can be.

What finishes work (markers, transaction ends) is not asked here: the reserve below ``min_free_bytes`` is for it.
"""

from __future__ import annotations

from typing import Final

from broker_core.errors import StorageError
from broker_core.ports import Filesystem

RECHECK_MS: Final = 1_000
"""Somebody else may fill the disk too: free space is read again after this time at the latest."""

MAX_UNCHECKED_BYTES: Final = 64 * 1024 * 1024
"""Written between two looks at the disk at most."""


class DiskGuard:
    """Admits writes against the free space last seen, so that the hot path rarely asks the disk.

    Arguments:
        filesystem: whose free space counts.
        min_free_bytes: the reserve; 0 switches the check off.
    """

    __slots__ = ("_allowance_bytes", "_filesystem", "_min_free_bytes", "_recheck_at_ms")

    def __init__(self, filesystem: Filesystem, min_free_bytes: int) -> None:
        self._filesystem = filesystem
        self._min_free_bytes = min_free_bytes
        self._allowance_bytes = 0
        self._recheck_at_ms = 0

    def admit(self, size_bytes: int, now_ms: int) -> None:
        """Count ``size_bytes`` as about to be written.

        Raises:
            StorageError: it would leave less than the reserve. Looked at anew by every call until there is space.
        """
        if self._allowance_bytes >= size_bytes and now_ms < self._recheck_at_ms:
            self._allowance_bytes -= size_bytes
            return
        if not self._min_free_bytes:
            return
        free_bytes = self._filesystem.free_bytes()
        spare_bytes = free_bytes - self._min_free_bytes
        if spare_bytes < size_bytes:
            self._allowance_bytes = 0
            raise StorageError(
                f"disk full: {free_bytes / 2**20:.0f} MiB free in the data directory, "
                f"{self._min_free_bytes / 2**20:.0f} MiB must stay free (min_free_bytes); "
                "free some space or shorten retention, writing goes on by itself"
            )
        self._allowance_bytes = min(spare_bytes, MAX_UNCHECKED_BYTES) - size_bytes
        self._recheck_at_ms = now_ms + RECHECK_MS
