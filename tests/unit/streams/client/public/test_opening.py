from __future__ import annotations

from pathlib import Path

import pytest

from streams.client.public.opening import open_driver
from streams.errors import ConfigError


def test_something_has_to_be_named_and_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STREAMS_BROKER", raising=False)
    monkeypatch.delenv("STREAMS_DATA_DIR", raising=False)
    with pytest.raises(ConfigError, match=r"where is the log\? Give broker="):
        open_driver(None, None, "c")
    with pytest.raises(ConfigError, match="leave one out"):
        open_driver("h:1", "d", "c")


def test_the_environment_names_the_log_where_the_code_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMS_DATA_DIR", str(tmp_path / "d"))
    opened = open_driver(None, None, "c")
    opened.driver.opened.result(10)
    opened.close()
    assert (tmp_path / "d" / "log").is_dir()


def test_a_named_directory_wins_over_the_environments_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMS_BROKER", "nowhere:1")
    opened = open_driver(None, tmp_path, "c")
    opened.driver.opened.result(10)
    opened.close()


def test_clients_of_one_directory_share_it_however_it_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    one, two = open_driver(None, "d", "a"), open_driver(None, tmp_path / "d", "b")
    assert one.driver is two.driver
    one.close()
    two.driver.opened.result(10)
    assert two.driver.ask(lambda client, _: client.admin.list_topics()).result(10) == {}
    two.close()


def test_whoever_closes_twice_takes_nothing_from_the_others(tmp_path: Path) -> None:
    one, two = open_driver(None, tmp_path, "a"), open_driver(None, tmp_path, "b")
    one.close()
    one.close()
    assert two.driver.ask(lambda client, _: client.admin.list_topics()).result(10) == {}
    two.close()
