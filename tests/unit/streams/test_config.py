"""Settings: where they come from, which wins, and what is said of wrong ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from streams.config import Guarantee, load_config
from streams.errors import ConfigError


def test_defaults() -> None:
    config = load_config("app", {}, {}, {})
    assert config.application_id == "app"
    assert config.data_dir == ".streams/app"
    assert config.broker is None
    assert config.guarantee is Guarantee.EXACTLY_ONCE


def test_at_least_once_commits_less_often_unless_told() -> None:
    """Nobody waits for the end of a transaction there."""
    code = {"guarantee": "at_least_once"}
    assert load_config("app", {}, {}, {}).commit_interval_ms == 100
    assert load_config("app", code, {}, {}).commit_interval_ms == 1_000
    assert load_config("app", code, {}, {"commit_interval_ms": 100}).commit_interval_ms == 100


def test_the_command_line_wins_over_the_environment_and_that_over_the_code() -> None:
    code = {"partitions": 1, "batch_bytes": 1, "broker": "code:1"}
    environment = {"STREAMS_PARTITIONS": "2", "STREAMS_BATCH_BYTES": "2", "OTHER": "x"}
    config = load_config("app", code, environment, {"partitions": 3})
    assert (config.partitions, config.batch_bytes, config.broker) == (3, 2, "code:1")


@pytest.mark.parametrize(
    "given",
    [
        {"commit_interval_ms": 250},
        {"commit_interval_ms": "250"},
        {"commit_interval_ms": "250ms"},
        {"commit_interval": "250ms"},
        {"commit_interval": timedelta(milliseconds=250)},
    ],
    ids=str,
)
def test_times_are_numbers_or_durations(given: dict[str, Any]) -> None:
    assert load_config("app", given, {}, {}).commit_interval_ms == 250


def test_times_from_the_environment() -> None:
    assert load_config("app", {}, {"STREAMS_COMMIT_INTERVAL": "2s"}, {}).commit_interval_ms == 2_000
    assert load_config("app", {}, {"STREAMS_COMMIT_INTERVAL_MS": "20"}, {}).commit_interval_ms == 20


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"comit_interval_ms": 5}, "no setting 'comit_interval_ms'; did you mean commit_interval_ms?"),
        ({"partitions": 0}, "partitions=0: a whole number from 1 on"),
        ({"partitions": "many"}, "a whole number"),
        ({"partitions": 1.5}, "a whole number"),
        ({"partitions": True}, "a whole number"),
        ({"guarantee": "twice"}, "guarantee='twice': one of exactly_once, at_least_once"),
        ({"durability": "maybe"}, "one of synced, interval, none"),
        ({"commit_interval": 5}, "write '5ms' or '5s'"),
    ],
    ids=str,
)
def test_wrong_settings_say_what_is_right(given: dict[str, Any], advice: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config("app", given, {}, {})
    assert advice in str(caught.value)


def test_a_wrong_variable_is_named_as_such() -> None:
    with pytest.raises(ConfigError, match="STREAMS_PARTITIONS='x'"):
        load_config("app", {}, {"STREAMS_PARTITIONS": "x"}, {})


def test_a_cache_may_be_switched_off() -> None:
    assert load_config("app", {"cache_max_bytes": 0}, {}, {}).cache_max_bytes == 0


def test_a_transaction_must_last_until_its_commit() -> None:
    """Else the log aborts it, and the application fails as if another process had taken its place."""
    with pytest.raises(ConfigError, match="commit_interval_ms=60000 is not shorter than transaction_timeout_ms=60000"):
        load_config("app", {"commit_interval": "60s"}, {}, {})
    load_config("app", {"commit_interval": "60s", "transaction_timeout": "61s"}, {}, {})
    load_config("app", {"commit_interval": "60s", "guarantee": "at_least_once"}, {}, {})
