"""docs/coming-from: what stands in the column "here" is this project's API, as it is."""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path

import pytest

import streams
from streams import App, serde
from streams.dsl.grouped import KGroupedStream
from streams.dsl.split import SplitStream
from streams.dsl.stream import KStream
from streams.dsl.table import KTable
from streams.dsl.windowed import TimeWindowedKStream
from streams.testing import TopologyTestDriver

PAGES = sorted((Path(__file__).parents[2] / "docs" / "coming-from").glob("*.md"))
OWNERS = (
    streams, streams.testing, serde, App, KStream, KTable, KGroupedStream, SplitStream, TimeWindowedKStream,
    TopologyTestDriver,
)  # fmt: skip
OF_EXAMPLES = {
    "bid",
    "bids",
    "app",
    "streams",
    "f",
    "p",
    "ways",
    "joiner",
    "init",
    "table",
    "price",
    "auction",
    "ts",
    "Bid",
    "value",
    "key",
}
KNOWN = {name for owner in OWNERS for name in dir(owner)} | set(dir(builtins)) | OF_EXAMPLES


def snippets(page: Path) -> list[str]:
    """The code in the last column of the page's tables, and what its text calls operators."""
    rows = [line for line in page.read_text().splitlines() if line.startswith("| ") and line.endswith("|")]
    return [code for row in rows[1:] for code in re.findall(r"`([^`]+)`", row.rstrip("|").rsplit(" | ", 1)[1])]


def names(code: str) -> set[str]:
    """The names and attributes in a piece of Python; none where it is no Python."""
    code = code.removeprefix(".").replace("...", "None")
    try:
        tree = ast.parse(code if re.match(r"\w+ = ", code) else f"print({code})")
    except SyntaxError:
        return set()
    found = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return found | {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_name_exists(page: Path) -> None:
    found = {code: names(code) - KNOWN for code in snippets(page)}
    assert sum(bool(names(code)) for code in found) > 8, "the page has no table"
    assert {code: unknown for code, unknown in found.items() if unknown} == {}


def test_what_is_said_to_be_missing_is_missing() -> None:
    """The paragraph goes with the operators' coming."""
    _, _, rest = (PAGES[-1].read_text()).partition("## Not there yet\n")
    assert ("suppress" in rest) != hasattr(KTable, "suppress")
    assert ("global-table" in rest) != hasattr(App, "global_table")
    assert ("Sliding and session" in rest) != hasattr(streams, "session")
    assert ("processor API" in rest) != hasattr(KStream, "process")
