"""A directory with an application and its log, and the command line as typer's runner sees it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from streams.cli.main import app as command

APPLICATION = """
from streams import App

app = App("words", data_dir="data", partitions=2)
lines = app.stream("lines", key=str, value=str)
lines.map_values(str.upper, value=str).to("shouted")
lines.group_by_key().count(store="counts").to_stream().to("counts")
"""

Invoke = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with ``app_file.py`` in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "app_file", raising=False)
    (tmp_path / "app_file.py").write_text(APPLICATION)
    return tmp_path


@pytest.fixture
def invoke(here: Path) -> Invoke:
    """Runs one command; errors of ours stay exceptions (``main`` turns them into a message)."""
    runner = CliRunner()

    def run(*arguments: object, status: int = 0, stdin: str = "") -> Result:
        result = runner.invoke(command, [str(argument) for argument in arguments], input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == status, result.output
        return result

    return run
