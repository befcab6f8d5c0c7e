"""Errors of ours are one message and status 1; of a failing user's function, their traceback comes before it."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from broker_core.errors import StorageError
from state.errors import StateError
from streams.cli import main as module
from streams.cli.main import main, report
from streams.errors import ConfigError, ProcessingError, StreamsError


def reported(error: Exception) -> str:
    out = io.StringIO()
    report(error, Console(file=out, width=40))
    return out.getvalue()


def users_function() -> None:
    raise ZeroDivisionError("by nothing")


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def raised() -> Exception:
    try:
        users_function()
    except ZeroDivisionError as error:
        return error
    raise AssertionError


def test_one_line_however_narrow_the_terminal_is() -> None:
    text = "a message that is longer than the terminal is wide [and has brackets]"
    assert reported(ConfigError(text)) == f"error: {text}\n"


def test_the_users_frames_come_first() -> None:
    error = ProcessingError("it failed", operator="o", topic_partition=None, offset=-1, key=None)
    lines = reported(caused(error, raised())).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "in users_function" in "".join(lines)
    assert lines[-2:] == ["ZeroDivisionError: by nothing", "error: it failed"]


def test_frames_of_ours_and_generated_ones_are_left_out() -> None:
    with pytest.raises(ValueError) as failed:
        exec(compile("int('x')", "<sub-topology 0>", "exec"))
    failed.value.__traceback__ = failed.value.__traceback__.tb_next  # type: ignore[union-attr]  # this test's own
    assert reported(caused(StreamsError("no number"), failed.value)) == "error: no number\n"
    with pytest.raises(ConfigError) as inside:
        from streams.config import load_config

        load_config("a", {"nonsense": 1}, {}, {})
    inside.value.__traceback__ = inside.value.__traceback__.tb_next  # type: ignore[union-attr]
    assert reported(caused(StreamsError("outer"), inside.value)) == "error: outer\n"


def test_behind_an_error_of_the_log_is_no_code_of_the_user() -> None:
    """A directory that cannot be made: the frames are Python's own, and say nothing."""
    assert reported(caused(StorageError("no directory"), raised())) == "error: no directory\n"


def test_a_syntax_error_has_no_frame_but_a_line() -> None:
    with pytest.raises(SyntaxError) as failed:
        compile("x = (", "file.py", "exec")
    assert "x = (" in reported(caused(ConfigError("cannot be imported"), failed.value))


@pytest.mark.parametrize("error", [StreamsError("s"), StateError("s"), StorageError("s"), ConfigError("s")])
def test_the_exit_status(error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(module, "app", fail)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "error: s\n"


def test_faults_of_ours_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise AssertionError("a bug")

    monkeypatch.setattr(module, "app", fail)
    with pytest.raises(AssertionError, match="a bug"):
        main()


def test_help_lists_the_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["streams", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("run", "describe", "topics", "produce", "consume", "doctor"))


def test_which_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["streams", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("streams-dsl ")
