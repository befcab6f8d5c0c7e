"""The worked examples of docs/formats, for the tests that check them."""

from __future__ import annotations

import re
from pathlib import Path

FORMATS = Path(__file__).parents[4] / "docs" / "formats"


def hex_example(page: str, number: int = 0) -> bytes:
    """The bytes of the page's ``hex`` block ``number``: two digits each, the comment after two or more blanks."""
    blocks = re.findall(r"^```hex\n(.*?)^```", (FORMATS / page).read_text(), re.MULTILINE | re.DOTALL)
    return b"".join(bytes.fromhex(re.split(r" {2,}", line)[0]) for line in blocks[number].splitlines())


def text_example(page: str, number: int = 0) -> bytes:
    """The page's ``text`` block ``number``, as it stands."""
    blocks = re.findall(r"^```text\n(.*?)^```", (FORMATS / page).read_text(), re.MULTILINE | re.DOTALL)
    return str(blocks[number]).encode()
