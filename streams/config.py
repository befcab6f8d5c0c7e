"""Settings of an application; each also by environment (``STREAMS_<NAME>``) and command line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

from streams.durations import duration_ms
from streams.errors import ConfigError


class Guarantee(Enum):
    EXACTLY_ONCE = "exactly_once"
    AT_LEAST_ONCE = "at_least_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamsConfig:
    """One application's settings; sizes in bytes, times in milliseconds. Defaults: architecture.md, section 8.

    docs/reference/settings.md is made of the lines below each setting: ``python -m tests.golden.settings_page``.
    """

    application_id: str
    data_dir: str
    """Where the embedded log and the local state are; ``.streams/<id>`` by default."""
    broker: str | None = None
    """``host:port`` of a cluster, ours or Apache Kafka; without one the log is embedded."""
    listen: str | None = None
    """``host:port`` at which a running application serves its embedded log to Kafka's clients; port 0 is a free one."""
    guarantee: Guarantee = Guarantee.EXACTLY_ONCE
    """``exactly_once`` or ``at_least_once``."""
    commit_interval_ms: int = 100
    """How often to commit: when results are seen, and how much is done again after a crash. 1 s with
    ``at_least_once``."""
    partitions: int = 4
    """Of a topic that the embedded log has to make."""
    durability: str = "synced"
    """When the embedded log acknowledges: ``synced``, ``interval`` or ``none``. docs/how-to/durability.md."""
    sync_interval_ms: int = 100
    """With ``durability="interval"``: how often what was acknowledged is synced."""
    compression_type: str = "none"
    """How the application's producers pack their batches."""
    state_backend: str = "rocksdb"
    """``rocksdb``, or ``memory``: no database on disk, every start rebuilds all rows from the changelogs."""
    cache_max_bytes: int = 64 * 1024 * 1024
    """Record caches of a worker, all stores together; 0: every change of a row goes on by itself."""
    staging_max_bytes: int = 256 * 1024 * 1024
    """Writes of the open transaction that a worker holds; more than that forces an early commit."""
    transaction_timeout_ms: int = 60_000
    """After so long without a commit the broker aborts the transaction of a worker that is gone."""
    batch_bytes: int = 512 * 1024
    """Size of a batch at which the application's producers send it before the commit does."""
    fetch_max_bytes: int = 8 * 1024 * 1024
    """Most bytes one fetch answer carries."""
    buffered_records: int = 20_000
    """Records a task holds per partition before the consumer pauses it."""
    state_flush_interval_ms: int = 600_000
    """How old what the state's database holds in memory alone may get: the changelog has it, a crash must read it."""
    state_flush_records: int = 100_000
    """How many changelog records it may be: no restart after a crash has to read more."""
    merge_repartitions: bool = False
    """Let aggregations of one key-changed stream share a repartition topic (docs/optimisations.md)."""
    reuse_source_topics: bool = False
    """Let tables restore from the topic that they are read from instead of a changelog, where that has their rows."""
    combiners: bool = False
    """Pre-aggregate counts and associative reduces before their repartition topics, where the record cache is on."""


ENVIRONMENT_PREFIX = "STREAMS_"
AT_LEAST_ONCE_COMMIT_INTERVAL_MS = 1_000
"""By default: commits have no transaction to end that readers wait for."""

_CHOICES = {
    "durability": ("synced", "interval", "none"),
    "compression_type": ("none", "gzip", "snappy", "lz4", "zstd"),
    "state_backend": ("rocksdb", "memory"),
}
_WORDS = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
_MAY_BE_ZERO = ("cache_max_bytes",)


def load_config(
    application_id: str, code: Mapping[str, Any], environment: Mapping[str, str], command_line: Mapping[str, Any]
) -> StreamsConfig:
    """The settings in force; the command line wins over the environment, and that over the code.

    Arguments:
        code, command_line: setting to value. A time may also be given without its unit's suffix as a duration:
            ``commit_interval="100ms"``.
        environment: variables; those called ``STREAMS_<SETTING>`` count, others are none of our business.

    Raises:
        ConfigError: an unknown setting (proposes the nearest one), or a value of another kind.
    """
    known = {field.name: str(field.type) for field in fields(StreamsConfig) if field.name != "application_id"}
    found: dict[str, Any] = {"data_dir": f".streams/{application_id}"}
    for name, value in code.items():
        found.update(_setting(name, value, known, name))
    for name in known:
        for variable in (name, name.removesuffix("_ms")):
            text = environment.get(ENVIRONMENT_PREFIX + variable.upper())
            if text:
                found.update(_setting(variable, text, known, ENVIRONMENT_PREFIX + variable.upper()))
    for name, value in command_line.items():
        found.update(_setting(name, value, known, name))
    if found.get("guarantee") is Guarantee.AT_LEAST_ONCE:
        found.setdefault("commit_interval_ms", AT_LEAST_ONCE_COMMIT_INTERVAL_MS)
    config = StreamsConfig(application_id=application_id, **found)
    if config.guarantee is Guarantee.EXACTLY_ONCE and config.commit_interval_ms >= config.transaction_timeout_ms:
        raise ConfigError(
            f"commit_interval_ms={config.commit_interval_ms} is not shorter than "
            f"transaction_timeout_ms={config.transaction_timeout_ms}: transactions would be aborted before their commit"
        )
    return config


def _setting(name: str, value: Any, known: Mapping[str, str], shown: str) -> dict[str, Any]:
    if f"{name}_ms" in known:
        return {f"{name}_ms": duration_ms(value, shown)}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        proposal = f"; did you mean {near[0]}?" if near else ""
        raise ConfigError(f"there is no setting {shown!r}{proposal} Settings: {', '.join(known)}")
    if name == "guarantee":
        return {name: _guarantee(value, shown)}
    if known[name] == "bool":
        return {name: _yes_or_no(value, shown)}
    if known[name] == "int":
        return {name: _whole_number(name, value, shown)}
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ConfigError(f"{shown}={value!r}: one of {', '.join(_CHOICES[name])}")
    return {name: None if value is None else str(value)}


def _guarantee(value: Any, shown: str) -> Guarantee:
    try:
        return Guarantee(value)
    except ValueError:
        choices = ", ".join(guarantee.value for guarantee in Guarantee)
        raise ConfigError(f"{shown}={value!r}: one of {choices}") from None


def _yes_or_no(value: Any, shown: str) -> bool:
    found = _WORDS.get(value.strip().lower()) if isinstance(value, str) else value
    if not isinstance(found, bool):
        raise ConfigError(f"{shown}={value!r}: true or false")
    return found


def _whole_number(name: str, value: Any, shown: str) -> int:
    if name.endswith("_ms") and isinstance(value, str) and not value.strip().isdigit():
        return duration_ms(value, shown)
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if not isinstance(number, int) or isinstance(number, bool) or number < (0 if name in _MAY_BE_ZERO else 1):
        raise ConfigError(f"{shown}={value!r}: a whole number from {0 if name in _MAY_BE_ZERO else 1} on")
    return number
