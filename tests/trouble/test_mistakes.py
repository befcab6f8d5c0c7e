"""Mistakes in the application's file, its topology and its settings: found before any I/O, one message, status 1."""

from __future__ import annotations

import pytest

from tests.trouble.kit import Console, Finished, python, streams, write

HEAD = "from streams import App, serde\napp = App('words')\n"

FILES = {
    "no App": ("x = 1\n", "makes no App; it needs a line such as app = App('my-application')"),
    "two Apps": (HEAD + "other = App('other')\n", "has several applications (app, other); say which: {file}:app"),
    "a syntax error": (HEAD + "app.stream(\n", "cannot be imported: SyntaxError: '(' was never closed ({file}, line"),
    "raises at import": (HEAD + "{}['missing']\n", "cannot be imported: KeyError: 'missing'. Correct it"),
    "imports what is not there": ("import nowhere_at_all\n", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
    "nothing declared": (HEAD, "application 'words'"),
    "unknown type": (
        HEAD + "app.stream('lines', key=str, value=object).to('out')\n",
        "{file}:3: stream(value=...): object says nothing about the bytes; write the type, or serde.json",
    ),
    "no type": (HEAD + "app.stream('lines', key='str', value=str).to('out')\n", "{file}:3: stream(key=...): "),
    "mistyped after a lambda": (
        HEAD + "app.stream('lines', key=str, value=str).map_values(lambda v: 1).group_by_key().count()\n"
        "app.stream('l2', key=str, value=str).select_key(lambda v: 1).group_by_key().count()\n",
        "key=",
    ),
    "two nodes of one name": (
        HEAD + "lines = app.stream('lines', key=str, value=str)\nlines.filter(bool, name='n').to('a')\n"
        "lines.filter(bool, name='n').to('b')\n",
        "{file}:5: two nodes are called 'n': this filter and the filter declared at {file}:4 earlier; give one of them",
    ),
    "a cycle": (
        HEAD + "app.stream('lines', key=str, value=str).filter(bool, name='one').filter(bool, name='two').to('out')\n"
        "app._builder.graph.connect('two', 'one')\n",  # no chain of the DSL makes one
        "the edge from 'two' to 'one' closes a cycle: one -> two -> one. Records would go round for ever; to feed",
    ),
    "an illegal name": (HEAD + "app.stream('no spaces', key=str, value=str).to('out')\n", "'no spaces'"),
    "too many arguments": (
        HEAD + "app.stream('lines', key=str, value=str).filter(lambda a, b, c, d: True).to('out')\n", "{file}:3"
    ),
    "unknown setting": ("from streams import App\napp = App('words', partition=3)\n", "did you mean partitions?"),
    "bad setting": (
        "from streams import App\napp = App('words', guarantee='twice')\n",
        "guarantee='twice': one of exactly_once, at_least_once",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", FILES)
def test_a_mistake_in_the_file_is_one_message(console: Console, mistake: str) -> None:
    """Whichever command reads the file; and nothing was written."""
    text, message = FILES[mistake]
    name = console.file(f"app_{list(FILES).index(mistake)}.py", text)
    for command in ("run", "describe"):
        done = console(command, name, *(("--until-end",) if command == "run" else ()))
        assert done.status == 1, done
        assert done.error.startswith("error: "), done.err
        assert message.format(file=name) in done.error
        assert "/streams/" not in done.err, "a frame of ours"
        assert done.err.count("error: ") == 1
    assert not (console.directory / ".streams").exists()


COMMANDS = {
    "no such file": (("run", "nowhere.py"), "there is no file 'nowhere.py'; give the Python file that makes the App"),
    "no such App": (("run", "{app}:other"), "has no App named 'other'; it has: app"),
    "a broker without port": (("run", "{app}", "--broker", "h"), "broker='h': 'h' is not host:port"),
    "no broker there": (("run", "{app}", "--broker", "127.0.0.1:1"), "broker 127.0.0.1:1: connection refused"),
    "no broker for topics": (("topics", "list", "--broker", "127.0.0.1:1"), "broker 127.0.0.1:1: connection refused"),
    "guarantee": (("run", "{app}", "--guarantee", "twice"), "guarantee='twice': one of exactly_once, at_least_once"),
    "no log here": (("topics", "list"), "no embedded log here; give --app, --data-dir or --broker"),
    "no log of that app": (("topics", "list", "--app", "x"), "there is no embedded log in .streams/x; 'streams run"),
    "no such directory": (("consume", "t", "--data-dir", "nowhere"), "there is no embedded log in nowhere"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", COMMANDS)
def test_a_mistake_on_the_command_line_is_one_message(console: Console, mistake: str) -> None:
    arguments, message = COMMANDS[mistake]
    name = console.file(
        f"cli_{list(COMMANDS).index(mistake)}.py", HEAD + "app.stream('a', key=str, value=str).to('b')\n"
    )
    done = console(*(argument.format(app=name) for argument in arguments))
    assert (done.status, message in done.error) == (1, True), done
    assert not (console.directory / "nowhere").exists()


def test_the_environment_is_named_as_it_is_written(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    name = console.file("environment.py", HEAD + "app.stream('a', key=str, value=str).to('b')\n")
    monkeypatch.setenv("STREAMS_COMMIT_INTERVAL_MS", "soon")
    assert "STREAMS_COMMIT_INTERVAL" in console("run", name).error
    monkeypatch.delenv("STREAMS_COMMIT_INTERVAL_MS")
    monkeypatch.setenv("STREAMS_BROKER", "h:9092")
    done = console("run", name)
    assert done.status == 1
    assert "STREAMS_BROKER" in done.error


class TestAsProcesses:
    """The same from outside: exit status and streams of a real process."""

    def test_a_mistake_has_a_status_and_a_message_without_our_traceback(self, console: Console) -> None:
        console.file("unknown.py", FILES["unknown type"][0])
        done = streams("run", "unknown.py", cwd=console.directory)
        assert (done.status, done.out) == (1, "")
        assert done.err.startswith("error: unknown.py:3: stream(value=...): object says nothing about the bytes")

    def test_a_file_that_raises_at_import_shows_where(self, console: Console) -> None:
        console.file("raising.py", "def helper():\n    raise ValueError('oh')\n\nhelper()\n")
        done = streams("run", "raising.py", cwd=console.directory)
        assert done.status == 1
        lines = done.err.splitlines()
        assert lines[0] == "Traceback (most recent call last):"
        assert 'raising.py", line 4, in <module>' in lines[1]
        assert "raise ValueError('oh')" in done.err
        assert lines[-2:] == [
            "ValueError: oh",
            "error: raising.py cannot be imported: ValueError: oh. Correct it; nothing has been started",
        ]

    def test_a_syntax_error_shows_the_line(self, console: Console) -> None:
        console.file("broken.py", FILES["a syntax error"][0])
        done = streams("describe", "broken.py", cwd=console.directory)
        assert done.status == 1
        assert "    app.stream(\n" in done.err

    FAILING = """
        from streams import App

        def shout(value):
            return complain(value)

        def complain(value):
            raise RuntimeError(f"no {value} here")

        app = App("shouting")
        app.feed("lines", ["a", "b"], key=str, value=str)
        app.stream("lines", key=str, value=str).map_values(shout, value=str).to("out")
        if __name__ == "__main__":
            app.run(until_end=True, quiet=True)
    """

    def check(self, done: Finished) -> None:
        assert done.status == 1
        assert done.out == ""
        assert "RuntimeError: no a here" in done.err
        lines = done.err.splitlines()
        shout = next(index for index, line in enumerate(lines) if ", in shout" in line)
        assert ", in complain" in lines[shout + 2] or ", in complain" in lines[shout + 3], done.err
        assert 'raise RuntimeError(f"no {value} here")' in done.err
        for part in ("lines-map-values (failing.py:12)", "topic lines, partition ", "offset 0", "key None"):
            assert part in lines[-1]

    def test_a_failing_function_leaves_its_own_traceback_and_then_the_message(self, console: Console) -> None:
        """Under ``streams run``: of the traceback only what is the user's."""
        write(console.directory / "failing.py", self.FAILING)
        done = streams("run", "failing.py", "--quiet", "--until-end", cwd=console.directory)
        self.check(done)
        assert "/streams/" not in done.err
        assert "<sub-topology" not in done.err
        assert done.error.startswith("error: ")

    def test_under_python_the_traceback_is_the_users_and_short(self, console: Console) -> None:
        """Under ``python app.py``: the user's part first, then the one call of ours that they made."""
        done = python(write(console.directory / "failing.py", self.FAILING))
        self.check(done)
        assert done.err.index(", in complain") < done.err.index("direct cause of the following exception")
        assert done.err.count("/streams/") == 2
