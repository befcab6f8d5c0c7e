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
    """One application's settings; sizes in bytes, times in milliseconds. Defaults: architecture.md, section 8."""

    application_id: str
    data_dir: str
    broker: str | None = None
    guarantee: Guarantee = Guarantee.EXACTLY_ONCE
    commit_interval_ms: int = 100
    partitions: int = 4
    durability: str = "synced"
    """When the embedded log acknowledges: ``synced``, ``interval`` or ``none``. docs/how-to/durability.md."""
    sync_interval_ms: int = 100
    """With ``durability="interval"``: how often what was acknowledged is synced."""
    compression_type: str = "none"
    """How the application's producers pack their batches."""
    state_backend: str = "rocksdb"
    cache_max_bytes: int = 64 * 1024 * 1024
    staging_max_bytes: int = 256 * 1024 * 1024
    transaction_timeout_ms: int = 60_000
    batch_bytes: int = 512 * 1024
    fetch_max_bytes: int = 8 * 1024 * 1024
    """Most bytes one fetch answer carries."""
    buffered_records: int = 20_000
    """Records a task holds per partition before the consumer pauses it."""
    state_flush_interval_ms: int = 600_000
    state_flush_records: int = 100_000
    merge_repartitions: bool = False
    """Let aggregations of one key-changed stream share a repartition topic (docs/optimisations.md)."""
    reuse_source_topics: bool = False
    """Let tables restore from the topic that they are read from instead of a changelog, where that has their rows."""
    combiners: bool = False
    """Pre-aggregate counts and associative reduces before their repartition topics, where the record cache is on."""


ENVIRONMENT_PREFIX = "STREAMS_"

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
