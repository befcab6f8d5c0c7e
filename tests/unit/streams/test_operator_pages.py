"""docs/operators: every example is a test that passes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGES = sorted((Path(__file__).parents[3] / "docs" / "operators").glob("*.md"))


def examples(page: Path) -> dict[str, Callable[[], None]]:
    """The test functions of a page, in one namespace, as a reader would copy them into one file."""
    namespace: dict[str, Any] = {}
    text = page.read_text()
    for match in re.finditer(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        first_line = text[: match.start(1)].count("\n")
        exec(compile("\n" * first_line + match[1], str(page), "exec"), namespace)
    return {name: function for name, function in namespace.items() if name.startswith("test_")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page(page: Path) -> None:
    found = examples(page)
    assert found, "a page without an example"
    for function in found.values():
        function()
