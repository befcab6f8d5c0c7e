"""Writes docs/reference/settings.md from streams/config.py and the options of ``streams run``: ``python -m`` does.

What a setting means is the text below it in the source; everything else is read off the code, too.
"""

from __future__ import annotations

import ast
import inspect
from dataclasses import MISSING, fields
from itertools import pairwise
from pathlib import Path

from streams import config
from streams.cli.run import run
from streams.config import AT_LEAST_ONCE_COMMIT_INTERVAL_MS, ENVIRONMENT_PREFIX, Guarantee, StreamsConfig

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
HEAD = f"""# Settings

Every setting is an argument of `App(...)`, an environment variable and an option of `streams run`; the command line
wins over the environment, and that over the code. A time can be given in milliseconds, or without the `_ms` of its
name as a duration: `App("shop", commit_interval="250ms")`, `{ENVIRONMENT_PREFIX}COMMIT_INTERVAL=250ms`. An unknown
setting in code or on the command line, and a value that makes no sense, are errors that say what was meant. Of the
environment only the variables below are looked at: a misspelt one is not noticed.

This page is made of the program: `python -m tests.golden.settings_page`.

| setting | environment | `streams run` | default | what it means |
|---|---|---|---|---|
"""
TAIL = """
Arguments of `App.run()` and options of `streams run` that are no settings: `until_end`, `accept`, `cache` (whether
record caches are used at all) and `quiet`. What becomes of records that fail is the application's `on_error`
([how to](../how-to/errors.md)). Settings of topics and of the broker: `streams topics describe`.
"""


def meanings() -> dict[str, str]:
    """The text below each field of the class, on one line."""
    tree = ast.parse(inspect.getsource(config))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "StreamsConfig")
    found = {}
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            words = text.value.value if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) else ""
            found[field.target.id] = " ".join(str(words).replace("``", "`").split())
    return found


def shown_default(name: str, default: object) -> str:
    """A default as a reader would say it."""
    if name == "commit_interval_ms":
        return f"{default} (`at_least_once`: {AT_LEAST_ONCE_COMMIT_INTERVAL_MS})"
    if default is MISSING:
        return "`.streams/<id>`"
    if default is None:
        return "none"
    if isinstance(default, Guarantee):
        return f"`{default.value}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, int) and name.endswith("_bytes"):
        kib = default // 1024
        return f"{default} ({kib // 1024} MiB)" if kib % 1024 == 0 else f"{default} ({kib} KiB)"
    return f"`{default}`" if isinstance(default, str) else str(default)


def page() -> str:
    """The whole page."""
    options = set(inspect.signature(run).parameters)
    known = meanings()
    rows = []
    for field in fields(StreamsConfig):
        if field.name == "application_id":
            continue
        dashed = field.name.replace("_", "-")
        option = f"`--{dashed}`" if field.name in options else f"`--set {field.name}=`"
        variable = f"`{ENVIRONMENT_PREFIX}{field.name.upper()}`"
        default = shown_default(field.name, field.default)
        rows.append(f"| `{field.name}` | {variable} | {option} | {default} | {known[field.name]} |")
    return HEAD + "\n".join(rows) + "\n" + TAIL


if __name__ == "__main__":
    PAGE.write_text(page())
