"""Word count over real text, exactly once: kill it at any moment, start it again, and the numbers add up.

python examples/word_count.py                      counts the words of Python's own standard library
python examples/word_count.py --input book.txt     counts the words of a file or of a directory's text files
"""

from __future__ import annotations

import argparse
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from streams import App

app = App("word-count")


def words_of(line: str) -> list[str]:
    return re.findall(r"[a-z]+", line.lower())


def word(value: str) -> str:
    return value


lines = app.stream("lines", key=str, value=str)
counts = lines.flat_map_values(words_of).group_by(word).count(store="word-counts")
counts.to_stream().to("word-counts")


def read_lines(source: Path) -> Iterator[str]:
    """The lines of one file, or of all text files below a directory, always in the same order."""
    files = [source] if source.is_file() else sorted([*source.rglob("*.py"), *source.rglob("*.txt")])
    files = [file for file in files if "site-packages" not in file.parts]
    for file in files:
        yield from file.read_text(encoding="utf-8", errors="replace").splitlines()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Count the words of real text, exactly once.")
    arguments.add_argument("--input", type=Path, default=Path(sysconfig.get_path("stdlib")))
    source = arguments.parse_args().input

    app.feed("lines", read_lines(source))  # where to go on is committed with the records
    app.run(until_end=True)

    with app.query(counts) as table:  # the state store, as of the last commit
        top = sorted(table.all(), key=lambda row: row[1], reverse=True)[:15]
    for text, count in top:
        print(f"{count:>9,}  {text}")
