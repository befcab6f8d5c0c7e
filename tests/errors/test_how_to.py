"""docs/how-to/errors.md: every example is a test that passes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "errors.md"


def _examples() -> dict[str, Any]:
    """The test functions of the page, in one namespace, as a reader would copy them into one file."""
    namespace: dict[str, Any] = {}
    text = PAGE.read_text()
    for match in re.finditer(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        first_line = text[: match.start(1)].count("\n")
        exec(compile("\n" * first_line + match[1], str(PAGE), "exec"), namespace)
    return {name: function for name, function in namespace.items() if name.startswith("test_")}


EXAMPLES = _examples()


@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name: str) -> None:
    EXAMPLES[name]()


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 3
