"""Prints README's n-th fenced ``sh`` block, so that CI runs the very commands that a newcomer copies."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def block(number: int) -> str:
    text = (Path(__file__).parent.parent / "README.md").read_text()
    return re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)[number - 1]


if __name__ == "__main__":
    print(block(int(sys.argv[1])), end="")
