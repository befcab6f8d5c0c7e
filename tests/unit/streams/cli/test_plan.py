"""``streams plan`` says what ``run`` would do to state, in two forms and by its status, and touches nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from streams.errors import ConfigError
from tests.unit.streams.cli.conftest import APPLICATION, Invoke


def edited(here: Path, old: str, new: str) -> str:
    assert old in APPLICATION
    (here / "edited.py").write_text(APPLICATION.replace(old, new))
    return "edited.py"


def test_before_the_first_run_there_is_nothing_to_keep(invoke: Invoke, here: Path) -> None:
    assert "words has not run in data yet" in invoke("plan", "app_file.py").output
    assert not (here / "data").exists()
    assert json.loads(invoke("plan", "app_file.py", "--json").output)["has_run"] is False


def test_what_is_kept(invoke: Invoke) -> None:
    invoke("run", "app_file.py", "--until-end", "-q")
    lines = invoke("plan", "app_file.py").output.splitlines()
    assert [line.split() for line in lines[1:3]] == [["keeps", "store", "counts"], ["keeps", "input", "lines"]]
    assert lines[-1] == "run goes on with this"
    assert "words has not run in elsewhere" in invoke("plan", "app_file.py", "--data-dir", "elsewhere").output


def test_orphans_are_a_status_unless_accepted(invoke: Invoke, here: Path) -> None:
    invoke("run", "app_file.py", "--until-end", "-q")
    file = edited(here, 'store="counts"', 'store="renamed"')
    out = invoke("plan", file, status=3).output
    assert "run refuses this without --accept: 1 of these would be left behind" in out
    assert "orphans  store  counts" in out and "adds     store  renamed" in out
    assert "run goes on with this" in invoke("plan", file, "--accept").output
    with pytest.raises(ConfigError, match="'streams plan' shows"):
        invoke("run", file, "--until-end", "-q")
    invoke("run", file, "--until-end", "-q", "--accept")
    assert "orphans" not in invoke("plan", file).output


def test_what_breaks_is_refused_whatever_is_accepted(invoke: Invoke, here: Path) -> None:
    invoke("run", "app_file.py", "--until-end", "-q")
    file = edited(here, "count(", "reduce(max, ")
    assert "run refuses this, also with --accept: 1 of these" in invoke("plan", file, "--accept", status=3).output
    told = json.loads(invoke("plan", file, "--json", status=3).output)
    assert told["refused"] is True
    (store, lines) = told["changes"]
    assert (store["effect"], store["kind"], store["name"], store["refused"]) == ("breaks", "store", "counts", True)
    assert store["detail"].startswith("its value was json:int and is utf8 now")
    assert (lines["effect"], lines["kind"], lines["refused"]) == ("keeps", "input", False)


def test_another_applications_directory_is_an_error(invoke: Invoke, here: Path) -> None:
    invoke("run", "app_file.py", "--until-end", "-q")
    with pytest.raises(ConfigError, match="belongs to application 'words', not 'other'"):
        invoke("plan", edited(here, 'App("words"', 'App("other"'))
