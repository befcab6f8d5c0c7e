"""The manifest in the data directory: what the last run left there, compared before anything is opened.

A shell for one small file; what changes mean is ``topology.changes``'.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from streams.errors import ConfigError
from streams.topology.changes import Change, compare
from streams.topology.compile import CompiledTopology
from streams.topology.manifest import Manifest, decode_manifest, encode_manifest, manifest_of, succeeding

MANIFEST_FILE: Final = "manifest.json"


def has_run(data_dir: Path) -> bool:
    """Whether an application has run in this directory."""
    return (data_dir / MANIFEST_FILE).exists()


def changes_since_last_run(data_dir: Path, topology: CompiledTopology) -> tuple[Change, ...]:
    """What a run of ``topology`` would keep, add, migrate, break or orphan; empty on the first run.

    Raises:
        ConfigError: the manifest cannot be read, or is another application's.
    """
    last = _last(data_dir)
    if last is None:
        return ()
    with _explained(data_dir / MANIFEST_FILE):
        return compare(last, manifest_of(topology))


def check_manifest(data_dir: Path, topology: CompiledTopology, *, accept: bool) -> None:
    """Refuse to lose state; otherwise note the topology that runs from now on.

    Arguments:
        accept: the user agreed to what would be orphaned. What would break is refused all the same.

    Raises:
        ConfigError: says what would be lost or cannot be read, and how to keep it; or that the manifest cannot be
            written.
    """
    refused = [change for change in changes_since_last_run(data_dir, topology) if change.is_refused(accept=accept)]
    if refused:
        what = "; ".join(f"{change.kind} {change.name!r} {change.effect.value}: {change.detail}" for change in refused)
        raise ConfigError(
            f"this topology does not fit the state in {data_dir}: {what}. 'streams plan' shows all that the "
            "change does. Undo it, use a new application id, or (where state is only orphaned) run with --accept to "
            "let go of it. Nothing was changed."
        )
    path = data_dir / MANIFEST_FILE
    last, now = _last(data_dir), manifest_of(topology)
    data = encode_manifest(now if last is None else succeeding(last, now))
    with _explained(path):
        if not path.exists() or path.read_bytes() != data:
            data_dir.mkdir(parents=True, exist_ok=True)  # with a cluster there is no log in it
            _replace(path, data)


def _last(data_dir: Path) -> Manifest | None:
    path = data_dir / MANIFEST_FILE
    if not path.exists():
        return None
    with _explained(path):
        return decode_manifest(path.read_bytes())


def _replace(path: Path, data: bytes) -> None:
    """Durably but for the directory entry: a manifest that a power cut takes back is the one of the last run."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be used ({error}); check its owner, its permissions and the space on the disk"
        ) from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error.__cause__
