"""Finding the application in a file, and the log of a command without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.cli.loading import load_app, log_config
from streams.errors import ConfigError, TopologyError


def test_the_only_app_or_the_one_that_is_named(here: Path) -> None:
    assert load_app("app_file.py").id == "words"
    assert load_app("app_file.py:app").id == "words"
    (here / "two.py").write_text("from streams import App\na = App('a')\nb = App('b')\nalias = b\n")
    assert load_app("two.py:b").id == "b"
    with pytest.raises(ConfigError, match=r"two.py has several applications \(a, alias\); say which: two.py:a"):
        load_app("two.py")
    with pytest.raises(ConfigError, match=r"two.py has no App named 'c'; it has: a, b, alias"):
        load_app("two.py:c")


def test_one_app_under_two_names_is_one(here: Path) -> None:
    (here / "alias.py").write_text("from streams import App\napp = App('a')\nsame = app\n")
    assert load_app("alias.py").id == "a"


def test_a_file_may_import_its_neighbours(here: Path) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "neighbour_of_app.py").write_text("NAME = 'neighbour'\n")
    (here / "sub" / "importing.py").write_text(
        "from streams import App\nfrom neighbour_of_app import NAME\napp = App(NAME)\n"
    )
    assert load_app("sub/importing.py").id == "neighbour"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "makes no App; it needs a line such as"),
        ("1 // 0", "cannot be imported: ZeroDivisionError"),
        ("x = (", "cannot be imported: SyntaxError"),
    ],
)
def test_a_file_that_is_no_application(here: Path, text: str, message: str) -> None:
    (here / "no_app.py").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_app("no_app.py")


def test_a_mistake_in_the_topology_stays_what_it_is(here: Path) -> None:
    (here / "mistaken.py").write_text("from streams import App\nApp('a').stream('t', key=str, value=object)\n")
    with pytest.raises(TopologyError, match=r"^mistaken.py:2: "):
        load_app("mistaken.py")


def test_a_file_that_runs_its_application_when_it_is_imported(here: Path) -> None:
    (here / "running.py").write_text(
        "from streams import App\napp = App('a')\napp.stream('t', key=str, value=str).to('u')\napp.run()\n"
    )
    with pytest.raises(
        ConfigError, match=r"^running.py:4: app.run\(\) was called while .* put it below 'if __name__ =="
    ):
        load_app("running.py")
    assert not (here / ".streams").exists()


def test_which_log(here: Path) -> None:
    with pytest.raises(ConfigError, match="no embedded log here; give --app, --data-dir or --broker"):
        log_config(None, None, None)
    (here / ".streams/one").mkdir(parents=True)
    assert log_config(None, None, None).data_dir == ".streams/one"
    (here / ".streams/two").mkdir()
    with pytest.raises(ConfigError, match=r"several applications have a log below .streams \(one, two\); say which"):
        log_config(None, None, None)
    assert log_config(None, None, "two").data_dir == ".streams/two"
    assert log_config(None, here, None).data_dir == str(here)
    assert log_config("h:1", None, None).broker == "h:1"
    for given in ((None, "three"), (here / "nowhere", None)):
        with pytest.raises(ConfigError, match="there is no embedded log in"):
            log_config(None, *given)
        assert log_config(None, *given, make=True).data_dir == str(given[0] or ".streams/three")


def test_the_environment_names_the_broker_for_whoever_asks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STREAMS_BROKER", "h:1")
    assert log_config(None, tmp_path, None).broker == "h:1"
    assert log_config("other:2", tmp_path, None).broker == "other:2"
