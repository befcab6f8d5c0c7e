"""The data directory as a whole: one owner at a time, a format version, and whether the last owner closed it cleanly.

What lies inside belongs to the catalog and the logs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from broker_core.config import FORMAT_VERSION
from broker_core.errors import DataDirectoryError
from broker_core.ports import Filesystem, Lock

LOCK_PATH: Final = "lock"
LOGS_PATH: Final = "logs"
FORMAT_PATH: Final = "format-version"
CLEAN_PATH: Final = "clean-shutdown"
"""Exists between a clean close and the next open (Kafka's ``.kafka_cleanshutdown``): no log needs a scan then."""


class DataDirectory:
    """A claimed data directory; made by ``claim``.

    Arguments:
        was_clean: the last owner closed it cleanly.
    """

    def __init__(self, filesystem: Filesystem, lock: Lock, *, was_clean: bool) -> None:
        self._filesystem = filesystem
        self._lock = lock
        self.was_clean = was_clean

    @classmethod
    def claim(cls, filesystem: Filesystem) -> DataDirectory:
        """Lock the directory, check or write its format version, and take the mark of a clean shutdown away.

        The mark is durably gone before anything else is written: if this run ends badly, the next one recovers.

        Raises:
            DataDirectoryError: in use, of a newer version, or not writable; says what to do.
        """
        with _explained():
            filesystem.make_directory("")
            lock = filesystem.lock(LOCK_PATH)
        try:
            with _explained():
                _check_version(filesystem)
                was_clean = filesystem.exists(CLEAN_PATH)
                if was_clean:
                    filesystem.remove(CLEAN_PATH)
                    filesystem.sync_directory("")
        except BaseException:
            lock.release()
            raise
        return cls(filesystem, lock, was_clean=was_clean)

    def mark_clean(self) -> None:
        """Everything is synced and closed: the next open need not scan. Raises OSError."""
        self._filesystem.replace_file(CLEAN_PATH, b"")

    def release(self) -> None:
        """Give the directory up."""
        self._lock.release()


def _check_version(filesystem: Filesystem) -> None:
    if not filesystem.exists(FORMAT_PATH):
        filesystem.replace_file(FORMAT_PATH, f"{FORMAT_VERSION}\n".encode())
        return
    text = filesystem.read_file(FORMAT_PATH).decode("ascii", "replace").strip()
    if not text.isdigit():
        raise DataDirectoryError(f"{FORMAT_PATH} holds {text!r} instead of a number: is this a data directory of ours?")
    if int(text) > FORMAT_VERSION:
        raise DataDirectoryError(
            f"{FORMAT_PATH}: the data directory has format version {text}, this program knows up to {FORMAT_VERSION}; "
            "use the newer program, or another directory"
        )


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except BlockingIOError as error:
        raise DataDirectoryError(
            f"the data directory is in use ({error.strerror}); stop that process or choose another directory"
        ) from error
    except OSError as error:
        raise DataDirectoryError(
            f"the data directory cannot be written ({error}); check that it exists, its owner and its permissions"
        ) from error
