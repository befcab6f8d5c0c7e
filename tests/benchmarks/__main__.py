"""``python -m tests.benchmarks [name ...] [--json] [--short]``: see ``tests.benchmarks.cases`` for the names."""

from __future__ import annotations

import argparse
import json
import sys

from rich.console import Console
from rich.table import Table

from tests.benchmarks.cases import CASES, run_case


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *CASES], help="which; all by default")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--short", action="store_true", help="less input, one repetition")
    parser.add_argument("--directory", default=None, help="where logs and state go; a temporary directory by default")
    options = parser.parse_args()
    table = Table("case", "variant", "result", "target", box=None)
    for name in options.names or CASES:
        for row in run_case(name, short=options.short, directory=options.directory):
            if options.json:
                print(json.dumps(row), flush=True)
            else:
                print(f"{name} {row['variant']}: {row['text']}", file=sys.stderr, flush=True)
                table.add_row(name, row["variant"], row["text"], row["target"])
    if not options.json:
        Console(width=160).print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
