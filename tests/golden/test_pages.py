"""What the pages name is there: links, files, modules, commands with their options, settings, imported names.

What a page says beyond that is the business of the test that is its twin (``test_settings_page`` and the like).
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from streams.cli.main import app as command_line
from streams.config import StreamsConfig

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\S*)\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
NAMED_FILE = re.compile(r"(?<![\w./-])(?:docs|streams|broker_core|state|tests|examples)/[\w./-]*\w/?")
NOT_SETTINGS = {"STREAMS_COMPILED"}
"""Read by the packages themselves, before there is an application."""

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def anchors(text: str) -> set[str]:
    """The headings' names in links, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def code_of(text: str) -> Iterator[str]:
    """Lines of blocks that are no Python, without prompts and comments, and the code in sentences."""
    for language, block in FENCE.findall(text):
        if language != "python":
            yield from (re.sub(r"\s+#.*", "", line).strip().removeprefix("$ ") for line in block.splitlines())
    for code in re.findall(r"`([^`]+)`", FENCE.sub("", text)):
        yield " ".join(code.split())


def commands_of(text: str) -> Iterator[str]:
    """``streams ...`` wherever it is written as code; ``a|b`` is both."""
    for code in code_of(text):
        if match := re.match(r"(?:\w+=\S+ )*streams ([a-z|]+)( [a-z|]+(?= |$))?(.*)", code):
            first, second, rest = match.groups(default="")
            for name in first.split("|"):
                for below in second.strip().split("|"):
                    yield " ".join(f"streams {name} {below}{rest}".split())


def unknown_in(command: str) -> str | None:
    """The first word of a command that the program does not know."""
    here: Any = typer.main.get_command(command_line)
    for word in command.split()[1:]:
        if word.startswith("-") and word != "-":
            known = {option for parameter in here.params for option in (*parameter.opts, *parameter.secondary_opts)}
            if word.partition("=")[0].rstrip(",.)") not in known | {"--help"}:
                return word
        elif hasattr(here, "commands"):
            if word not in here.commands:
                return word
            here = here.commands[word]
    return None


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", text)):
        if target.startswith("http"):
            continue
        name, _, anchor = target.partition("#")
        other = page.parent / name if name else page
        assert other.exists(), f"{target}: there is no such page"
        assert not anchor or anchor in anchors(other.read_text()), f"{target}: the page has no such heading"


@every_page
def test_files_and_modules_are_there(page: Path) -> None:
    text = page.read_text()
    for name in NAMED_FILE.findall(re.sub(r"\]\([^)]*\)|https?://\S+", "", text)):
        beginning = ROOT / name
        assert beginning.exists() or list(beginning.parent.glob(f"{beginning.name}*")), f"{name}: there is no such file"
    for module in re.findall(r"python -m ([\w.]+\w)", text):
        assert importlib.util.find_spec(module) or module == "pip", f"{module}: there is no such module"


@every_page
def test_commands_are_the_programs(page: Path) -> None:
    for command in commands_of(page.read_text()):
        assert unknown_in(command) is None, f"{command}: the program does not know {unknown_in(command)}"


@every_page
def test_settings_are_the_programs(page: Path) -> None:
    text = page.read_text()
    known = set(StreamsConfig.__dataclass_fields__)
    known |= {name.removesuffix("_ms") for name in known if name.endswith("_ms")} | {"on_error"}
    for name in set(re.findall(r"\bSTREAMS_[A-Z_]+[A-Z]\b", text)) - NOT_SETTINGS:
        assert name.removeprefix("STREAMS_").lower() in known, f"{name}: there is no such setting"
    for arguments in re.findall(r"\bApp\(([^()]*)\)", text):
        for name in re.findall(r"(\w+)=", arguments):
            assert name in known, f"App({arguments}): there is no setting {name}"


@every_page
def test_python_is_python_and_imports_what_there_is(page: Path) -> None:
    for language, block in FENCE.findall(page.read_text()):
        if language != "python":
            continue
        tree = compile(block, page.name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        assert isinstance(tree, ast.Module)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "streams":
                module = importlib.import_module(node.module or "")
                missing = [name.name for name in node.names if not hasattr(module, name.name)]
                assert not missing, f"{node.module} has no {', '.join(missing)}"


def test_what_is_wrong_is_found() -> None:
    """The readers above read."""
    assert list(commands_of("run `X=1 streams topics|groups list --app a`")) == [
        "streams topics list --app a", "streams groups list --app a",
    ]  # fmt: skip
    assert list(commands_of("```sh\n$ streams run a.py --until-end   # says more\n```\n")) == [
        "streams run a.py --until-end"
    ]
    assert unknown_in("streams topics list --app a") is None
    assert unknown_in("streams topics lst") == "lst"
    assert unknown_in("streams run a.py --until-ends") == "--until-ends"
    assert anchors("# One\n\n## Exactly once, `all` the way\n") == {"one", "exactly-once-all-the-way"}
