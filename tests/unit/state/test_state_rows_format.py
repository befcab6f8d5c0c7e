"""The worked example of docs/formats/state_rows.md is what the code writes."""

from __future__ import annotations

import re
from pathlib import Path

from state.backends.memory import MemoryBackend
from state.keys import WINDOW_SEQUENCE, row_of_changelog, row_of_window, window_of_row, window_start_bytes
from state.model import POSITION_FAMILY, StoreSpec
from state.task_stores import TaskStores

PAGE = Path(__file__).resolve().parents[3] / "docs" / "formats" / "state_rows.md"


def _example() -> dict[str, tuple[bytes, bytes]]:
    """Family to key and value, out of the page's hex dump."""
    (block,) = re.findall(r"```\n(family .*?)```", PAGE.read_text(), re.DOTALL)
    rows: dict[str, dict[str, str]] = {}
    family = part = ""
    for line in block.splitlines():
        if line.startswith("family "):
            family = line.removeprefix("family ")
            rows[family] = {"key": "", "value": ""}
            continue
        part = next((name for name in ("key", "value") if line.startswith(f"  {name}")), part)
        rows[family][part] += re.search(r"((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:   |$)", line[9:]).group(1)  # type: ignore[union-attr]
    return {name: (bytes.fromhex(row["key"]), bytes.fromhex(row["value"])) for name, row in rows.items()}


def test_the_worked_example_is_what_is_written() -> None:
    backend = MemoryBackend(["counts"])
    stores = TaskStores(backend, [StoreSpec(name="counts", changelog_topic="words-counts-changelog")])
    stores.store("counts").put(b"stream", b"2", 1_700_000_000_000)
    stores.apply({"words-counts-changelog": 42}, 1_700_000_000_123)
    written = {family: next(backend.scan(family)) for family in ("counts", POSITION_FAMILY)}
    assert written == _example()


def test_the_keys_of_a_window_store_are_those_of_the_page() -> None:
    """Section "Rows of a window store"."""
    windowed = b"k" + window_start_bytes(258)
    assert windowed == bytes.fromhex("6b 00 00 00 00 00 00 01 02")
    assert row_of_window(windowed) == bytes.fromhex("00 00 00 00 00 00 01 02 6b")
    assert window_of_row(row_of_window(windowed)) == windowed
    assert row_of_changelog(windowed + WINDOW_SEQUENCE) == row_of_window(windowed)
