"""``streams run``: options over environment over code."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import ConfigError
from tests.unit.streams.cli.conftest import Invoke


def test_it_runs_to_the_end_with_a_live_line(invoke: Invoke, here: Path) -> None:
    result = invoke("run", "app_file.py", "--until-end")
    assert "words: stopped" in result.stderr
    assert result.stdout == ""
    assert (here / "data/log").is_dir()
    assert invoke("run", "app_file.py", "--until-end", "--quiet").output == ""


def test_options_win_over_environment_and_code(invoke: Invoke, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAMS_DATA_DIR", "by-environment")
    invoke("run", "app_file.py", "--until-end", "-q", "--data-dir", "by-option")
    assert (here / "by-option").is_dir()
    invoke("run", "app_file.py", "--until-end", "-q", "--guarantee", "at_least_once", "--commit-interval-ms", 5)
    assert (here / "by-environment").is_dir()
    assert not (here / "data").exists()
    with pytest.raises(ConfigError, match="guarantee='sometimes'"):
        invoke("run", "app_file.py", "--guarantee", "sometimes")
    invoke("run", "app_file.py", "--commit-interval-ms", 0, status=2)


def test_any_setting_can_be_set(invoke: Invoke, here: Path) -> None:
    invoke("run", "app_file.py", "--until-end", "-q", "--set", "data_dir=by-set", "--set", "commit_interval=5ms")
    assert (here / "by-set/log").is_dir()
    with pytest.raises(ConfigError, match="did you mean partitions"):
        invoke("run", "app_file.py", "--set", "partition=5")
    assert "name=value" in invoke("run", "app_file.py", "--set", "partitions", status=2).output


def test_orphaned_state_needs_accept(invoke: Invoke, here: Path) -> None:
    invoke("run", "app_file.py", "--until-end", "-q")
    text = (here / "app_file.py").read_text()
    (here / "renamed_store.py").write_text(text.replace('store="counts"', 'store="renamed"'))
    with pytest.raises(ConfigError, match="run with --accept"):
        invoke("run", "renamed_store.py", "--until-end", "-q")
    invoke("run", "renamed_store.py", "--until-end", "-q", "--accept")


def test_without_the_cache_every_update_goes_on(invoke: Invoke) -> None:
    invoke("run", "app_file.py", "--until-end", "-q")
    invoke("produce", "lines", "a", "b", "c", "--key", "k", "--data-dir", "data")
    invoke("run", "app_file.py", "--until-end", "-q", "--no-cache")
    assert invoke("consume", "counts", "--value", "json", "--data-dir", "data").output == "k\t1\nk\t2\nk\t3\n"


def test_a_running_application_can_be_looked_into(invoke: Invoke, here: Path) -> None:
    """With --listen the run is the same, and says where its log is served."""
    invoke("run", "app_file.py", "--until-end", "-q")
    invoke("produce", "lines", "a", "b", "--key", "k", "--data-dir", "data")
    told = invoke("run", "app_file.py", "--until-end", "--listen", "127.0.0.1:0").stderr
    assert "its log is served at 127.0.0.1:" in told and "kcat -b" in told
    assert invoke("consume", "shouted", "--data-dir", "data").output == "k\tA\nk\tB\n"
    with pytest.raises(ConfigError, match="leave one of them out"):
        invoke("run", "app_file.py", "--until-end", "--listen", "127.0.0.1:0", "--broker", "127.0.0.1:9")
