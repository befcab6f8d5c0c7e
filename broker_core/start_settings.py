"""From settings as text, by Kafka's names, to the ``BrokerConfig`` that a broker is started with. PURE.

Which settings there are is ``broker_config``'s and ``topic_config``'s; where they come from (a command line, an
application) is their reader's.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from broker_core.broker_config import LOG_SETTINGS, START_SETTINGS, StartSetting, as_topic_settings
from broker_core.config import BrokerConfig, Durability
from broker_core.errors import BrokerError, ErrorCode
from broker_core.topic_config import check_settings, check_together, log_config, parse

ALIASES: Final[Mapping[str, tuple[str, int]]] = {
    "log.dir": ("log.dirs", 1),
    "log.retention.hours": ("log.retention.ms", 3_600_000),
    "log.retention.minutes": ("log.retention.ms", 60_000),
    "log.roll.hours": ("log.roll.ms", 3_600_000),
    "log.roll.jitter.hours": ("log.roll.jitter.ms", 3_600_000),
}
"""Kafka's other names of settings: the name, and how much one of theirs is."""
MOST_PROPOSALS: Final = 3


def start_config(given: Mapping[str, str], base: BrokerConfig | None = None) -> BrokerConfig:
    """The configuration that ``given`` asks for, over ``base`` (the defaults).

    Without ``advertised.listeners`` clients are told what ``listeners`` says.

    Raises:
        BrokerError: ``INVALID_CONFIG``, naming the setting and what it may be, or the nearest ones that there are.
    """
    config = base or BrokerConfig()
    texts = _plain(given)
    topics = as_topic_settings({name: text for name, text in texts.items() if name in LOG_SETTINGS})
    log = log_config(config.log, check_settings(topics))
    check_together(log)
    config = replace(config, log=log)
    if "listeners" in texts and "advertised.listeners" not in texts:
        texts["advertised.listeners"] = texts["listeners"]
    for name, text in texts.items():
        if name in START_SETTINGS:
            config = _with(config, START_SETTINGS[name], text)
    return config


def parse_listener(text: str, setting: str = "listeners") -> tuple[str, int]:
    """Host (empty for all interfaces) and port of ``host:port`` or ``PLAINTEXT://host:port``.

    Raises:
        BrokerError: ``INVALID_CONFIG``.
    """
    protocol, found, address = text.strip().rpartition("://")
    host, colon, port = address.rpartition(":")
    if found and protocol.upper() != "PLAINTEXT":
        raise BrokerError(
            ErrorCode.INVALID_CONFIG, f"setting {setting}: {text!r} asks for {protocol}; only PLAINTEXT is served"
        )
    if not colon or not port.isdecimal() or int(port) > 65_535 or "," in text:
        raise BrokerError(
            ErrorCode.INVALID_CONFIG, f"setting {setting}: {text!r} is not one host:port, such as 127.0.0.1:9092"
        )
    return host.removeprefix("[").removesuffix("]"), int(port)


def _plain(given: Mapping[str, str]) -> dict[str, str]:
    """``given`` without aliases; every name is known."""
    texts: dict[str, str] = {}
    for name, text in given.items():
        known, factor = ALIASES.get(name, (name, 1))
        if known not in START_SETTINGS and known not in LOG_SETTINGS:
            raise _unknown(name)
        if factor != 1:
            try:
                number = int(text)
            except ValueError:
                raise BrokerError(ErrorCode.INVALID_CONFIG, f"setting {name}: {text!r} is no whole number") from None
            texts.setdefault(known, str(number * factor if number > 0 else number))  # the finer unit wins, as in Kafka
        else:
            texts[known] = text
    return texts


def _unknown(name: str) -> BrokerError:
    names = [*START_SETTINGS, *LOG_SETTINGS, *ALIASES]
    near = (
        difflib.get_close_matches(name, names, MOST_PROPOSALS, 0.5)
        or [known for known in names if name in known][:MOST_PROPOSALS]
    )
    proposal = f"; the nearest are {', '.join(near)}" if near else "; docs/how-to/broker.md lists them"
    return BrokerError(ErrorCode.INVALID_CONFIG, f"there is no broker setting {name!r}{proposal}")


def _with(config: BrokerConfig, setting: StartSetting, text: str) -> BrokerConfig:
    value: Any = parse(setting, text)
    if setting.name == "listeners":
        host, port = parse_listener(text)
        return replace(config, server=replace(config.server, listen_host=host, listen_port=port))
    if setting.name == "advertised.listeners":
        host, port = parse_listener(text, setting.name)
        return replace(config, advertised_host=host, advertised_port=port)
    if setting.field is None:
        return config
    if setting.name == "durability":
        value = Durability(text)
    part, _, field = setting.field.rpartition(".")
    if not part:
        return replace(config, **{field: value})
    return replace(config, **{part: replace(getattr(config, part), **{field: value})})
