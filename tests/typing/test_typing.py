"""The DSL's types as mypy and pyright see them: right chains have the right types, wrong functions fail on their line.

Both run in their strict modes, over the examples too. Pyright is ``basedpyright``, whose wheels bring everything along:
the ``pyright`` package would fetch a program from the network when it runs.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import mypy.api
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FILES = ("chains.py", "mistakes.py")
EXAMPLES = ROOT / "examples"
Reported = dict[tuple[str, int], str]


@pytest.fixture(scope="module")
def by_mypy(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """All that mypy says, by file and line; one run, since a cold one takes seconds."""
    cache = tmp_path_factory.mktemp("mypy")
    arguments = ["--strict", "--no-error-summary", "--hide-error-context", "--follow-imports=silent"]
    arguments += ["--ignore-missing-imports", "--config-file=", f"--cache-dir={cache}", "--no-color-output"]
    files = [*(str(HERE / name) for name in FILES), *map(str, sorted(EXAMPLES.glob("*.py")))]
    output, errors, _ = mypy.api.run([*arguments, *files])
    assert not errors, errors
    found: Reported = {}
    for line in output.splitlines():
        match = re.match(r"(?:.*[/\\])?(\w+\.py):(\d+): (error|note): (.*)", line)
        assert match, line
        place = (match[1], int(match[2]))
        found[place] = f"{found.get(place, '')}{match[3]}: {match[4]}\n"
    return found


@pytest.fixture(scope="module")
def by_pyright(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    """The same from pyright."""
    config = tmp_path_factory.mktemp("pyright") / "pyrightconfig.json"
    include = [*(str(HERE / name) for name in FILES), str(EXAMPLES)]
    settings = {"include": include, "extraPaths": [str(ROOT)], "typeCheckingMode": "strict", "pythonVersion": "3.11"}
    config.write_text(json.dumps(settings))
    where = ["--project", str(config), "--pythonpath", sys.executable]
    command = [sys.executable, "-m", "basedpyright", "--outputjson", *where]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr or done.stdout
    found: Reported = {}
    for said in json.loads(done.stdout)["generalDiagnostics"]:
        place = (Path(said["file"]).name, said["range"]["start"]["line"] + 1)
        found[place] = f"{found.get(place, '')}{said['severity']}: {said['message']}\n"
    return found


def expectations(name: str, marker: str) -> dict[int, str]:
    lines = (HERE / name).read_text().splitlines()
    return {
        number: text.split(marker, 1)[1].strip().removeprefix(":").strip()
        for number, text in enumerate(lines, 1)
        if marker in text
    }


def short(kind: str) -> str:
    """A type as pyright prints it, of one as mypy does."""
    kind = re.sub(r"tuple\[[^\[\]]*, fallback=streams\.model\.(Windowed\[\w+\])\]", r"\1", kind)
    return re.sub(r"\b(?:streams(?:\.\w+)*|chains)\.", "", kind)


def test_right_chains_have_the_right_types(by_mypy: Reported, by_pyright: Reported) -> None:
    """Every ``reveal_type`` says what its comment says, and nothing else is reported."""
    expected = expectations("chains.py", "# is:")
    assert expected, "the sample says nothing"
    for number, kind in expected.items():
        said = by_mypy.get(("chains.py", number), "").replace("builtins.", "").replace("tests.typing.", "")
        assert f'Revealed type is "{kind}"' in said, f"chains.py:{number}: {said}"
        said = by_pyright.get(("chains.py", number), "")
        assert f' is "{short(kind)}"' in said, f"pyright, chains.py:{number}: {said}"
    for reported in (by_mypy, by_pyright):
        assert not {place: said for place, said in reported.items() if place[0] == "chains.py" and "error" in said}


@pytest.mark.parametrize("checker", ["by_mypy", "by_pyright"])
def test_wrong_functions_are_errors_on_their_line(checker: str, request: pytest.FixtureRequest) -> None:
    """Exactly the marked lines are errors, with the marked words in mypy's."""
    reported: Reported = request.getfixturevalue(checker)
    other = "(pyright)" if checker == "by_mypy" else "(mypy)"
    marked = expectations("mistakes.py", "# error")
    expected = {number: words for number, words in marked.items() if not words.startswith(other)}
    found = {place[1]: said for place, said in reported.items() if place[0] == "mistakes.py" and "error: " in said}
    assert sorted(found) == sorted(expected)
    for number, words in expected.items():
        assert checker != "by_mypy" or words.removeprefix("(mypy)") in found[number], f"mistakes.py:{number}: {found[number]}"


@pytest.mark.parametrize("checker", ["by_mypy", "by_pyright"])
def test_the_examples_are_without_errors(checker: str, request: pytest.FixtureRequest) -> None:
    reported: Reported = request.getfixturevalue(checker)
    examples = {path.name for path in EXAMPLES.glob("*.py")}
    assert len(examples) > 4
    assert not {place: said for place, said in reported.items() if place[0] in examples}
