"""Running an application from its declaration."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams import App
from streams.errors import ConfigError, ProcessingError
from streams.runtime.run import run_app


def doubling(path: Path) -> App:
    app = App("doubling", data_dir=path, partitions=1)
    app.feed("in", [1, 2, 3], value=int)
    app.stream("in", key=str, value=int).map_values(lambda value: 6 // (3 - value), value=int).to("out")
    return app


def test_the_final_metrics_and_the_application_let_go_of(tmp_path: Path) -> None:
    app = App("fed", data_dir=tmp_path, partitions=1)
    app.feed("in", ["a", "b"], value=str)
    app.stream("in", key=str, value=str).to("out")
    metrics = run_app(app, until_end=True, quiet=True, own_process=True)
    assert (metrics.state, metrics.records_fed, metrics.records_processed) == ("stopped", 2, 2)
    assert app.running is None


def test_overrides_win(tmp_path: Path) -> None:
    app = App("fed", data_dir=tmp_path / "code")
    app.stream("in", key=str, value=str).to("out")
    run_app(app, until_end=True, quiet=True, overrides={"data_dir": tmp_path / "line"})
    assert (tmp_path / "line").is_dir()
    assert not (tmp_path / "code").exists()
    with pytest.raises(ConfigError, match="guarantee='once'"):
        run_app(app, until_end=True, overrides={"guarantee": "once"})


def test_a_records_failure_comes_without_our_frames(tmp_path: Path) -> None:
    """Its cause has the user's; ours, a dozen of them, would bury those."""
    app = doubling(tmp_path)
    with pytest.raises(ProcessingError, match="ZeroDivisionError") as failed:
        run_app(app, until_end=True, quiet=True)
    trace, depth = failed.value.__traceback__, 0
    while trace is not None:
        trace, depth = trace.tb_next, depth + 1
    assert depth == 2
    assert isinstance(failed.value.__cause__, ZeroDivisionError)
    assert app.running is None
