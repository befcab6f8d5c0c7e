"""The table of handlers names APIs that are spoken, each handled by its module, and is the documented one."""

from __future__ import annotations

import re
from pathlib import Path

from broker_core.handlers.table import HANDLERS
from broker_core.protocol.api import API, ApiKey
from broker_core.protocol.schema import NEVER_FLEXIBLE

PAGE = Path(__file__).parents[4] / "docs/reference/protocol.md"
ROW = re.compile(r"^\| (\d+) \| (\w+) \| (\d+)–(\d+) \| (\d+|–) \| (.+) \|$", re.MULTILINE)


def test_every_handler_belongs_to_its_api() -> None:
    assert set(HANDLERS) <= set(API)
    for key, handler in HANDLERS.items():
        assert handler.__module__ == f"broker_core.handlers.{ApiKey(key).name.lower()}"


def test_the_page_tells_what_is_advertised() -> None:
    """Keys, names, ranges and first flexible versions of docs/reference/protocol.md."""
    documented = [
        (int(key), name, int(first), int(last), NEVER_FLEXIBLE if flexible == "–" else int(flexible))
        for key, name, first, last, flexible, _ in ROW.findall(PAGE.read_text())
    ]
    assert documented == [
        (key, API[key].request.__name__.removesuffix("Request"), API[key].min_version, API[key].max_version,
         API[key].request.FLEXIBLE_FROM)
        for key in sorted(HANDLERS)
    ]  # fmt: skip
