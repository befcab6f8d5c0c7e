"""The DSL's types as mypy sees them: right chains have the right types, wrong functions fail on their own line."""

from __future__ import annotations

import re
from pathlib import Path

import mypy.api
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
FILES = ("chains.py", "mistakes.py")


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], str]:
    """All that mypy says, by file and line; one run, since a cold one takes seconds."""
    cache = tmp_path_factory.mktemp("mypy")
    arguments = ["--strict", "--no-error-summary", "--hide-error-context", "--follow-imports=silent"]
    arguments += ["--ignore-missing-imports", "--config-file=", f"--cache-dir={cache}", "--no-color-output"]
    output, errors, _ = mypy.api.run([*arguments, *(str(HERE / name) for name in FILES)])
    assert not errors, errors
    found: dict[tuple[str, int], str] = {}
    for line in output.splitlines():
        match = re.match(r"(?:.*[/\\])?(\w+\.py):(\d+): (error|note): (.*)", line)
        assert match, line
        place = (match[1], int(match[2]))
        found[place] = f"{found.get(place, '')}{match[3]}: {match[4]}\n"
    return found


def expectations(name: str, marker: str) -> dict[int, str]:
    lines = (HERE / name).read_text().splitlines()
    return {
        number: text.split(marker, 1)[1].strip().removeprefix(":").strip()
        for number, text in enumerate(lines, 1)
        if marker in text
    }


def test_right_chains_have_the_right_types(reported: dict[tuple[str, int], str]) -> None:
    """Every ``reveal_type`` says what its comment says, and nothing else is reported."""
    expected = expectations("chains.py", "# is:")
    assert expected, "the sample says nothing"
    for number, kind in expected.items():
        said = reported.get(("chains.py", number), "").replace("builtins.", "").replace("tests.typing.", "")
        assert f'Revealed type is "{kind}"' in said, f"chains.py:{number}: {said}"
    others = {place: said for place, said in reported.items() if place[0] == "chains.py" and "error" in said}
    assert not others


def test_wrong_functions_are_errors_on_their_line(reported: dict[tuple[str, int], str]) -> None:
    """Exactly the marked lines are errors, with the marked words."""
    expected = expectations("mistakes.py", "# error")
    found = {place[1]: said for place, said in reported.items() if place[0] == "mistakes.py" and "error: " in said}
    assert sorted(found) == sorted(expected)
    for number, words in expected.items():
        assert words in found[number], f"mistakes.py:{number}: {found[number]}"
