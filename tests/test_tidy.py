"""Taste is a test: sizes, banned calls, test twins and dead modules, over the whole tree.

The limits are architecture.md's; an exception is written down here with its reason.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("broker_core", "state", "streams")
MAX_MODULE_LINES = 600
MAX_CLASS_LINES = 250
MAX_METHODS = 15
MAX_FUNCTION_LINES = 70
TOP_LEVEL = {
    "pyproject.toml", "setup.py", "streams", "broker_core", "state", "examples", "tests", "docs", "README.md",
    "LICENSE", "CHANGELOG.md", ".ci", ".gitignore", ".importlinter",
}  # fmt: skip
FACADES = {
    "KStream", "KGroupedStream", "KTable", "Admin", "App", "Producer", "Consumer", "AsyncAdmin", "AsyncProducer",
    "AsyncConsumer", "TopologyTestDriver",
}  # fmt: skip
"""Public facades may have as many short methods as users need (architecture.md, section 1)."""

SHELLS = {
    "broker_core/os_filesystem.py",
    "broker_core/server.py",
    "broker_core/server_connection.py",
    "broker_core/serving.py",
    "broker_core/sync_waves.py",
    "broker_core/__main__.py",
    "state/directory.py",
    "state/backends/rocksdb.py",
    "streams/client/public/driver.py",
    "streams/client/public/sending.py",
    "streams/client/tcp.py",
    "streams/client/sockets.py",
    "streams/runtime/embedded.py",
    "streams/runtime/listening.py",
    "streams/runtime/supervisor.py",
    "streams/runtime/access.py",
}
"""The only modules that may read a clock, open files or know threads; the command line is one too."""

BANNED_CALLS = {"open", "input", "exec", "eval"}
EXEC_ALLOWED = {"streams/codegen/program.py", "broker_core/protocol/generate.py"}
"""Where code is generated: a sub-topology's, and a message version's reader and writer."""


def modules() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def definitions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def length(node: ast.AST) -> int:
    """Lines from the definition to its end, the docstring not counted."""
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    total = (node.end_lineno or 0) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        total -= (first.end_lineno or 0) - first.lineno + 1
    return total


def is_shell(path: Path) -> bool:
    return relative(path) in SHELLS or relative(path).startswith("streams/cli/")


def test_the_top_level_holds_what_the_architecture_says() -> None:
    tracked = {path.name for path in ROOT.iterdir()}
    known = TOP_LEVEL | {".git", ".venv", "build", "streams_dsl.egg-info", ".hypothesis", ".mypy_cache", ".ruff_cache",
                         ".import_linter_cache", ".pytest_cache", "dist", ".streams", ".venv-test"}  # fmt: skip
    assert tracked <= known, f"unexpected at the top level: {sorted(tracked - known)}"


@pytest.mark.parametrize("path", modules(), ids=relative)
def test_module_is_tidy(path: Path) -> None:
    """A module opens with a docstring and keeps to the limits of size."""
    text = path.read_text()
    problems = []
    if path.name != "__init__.py" or text.strip():
        if ast.get_docstring(ast.parse(text)) is None:
            problems.append("no module docstring")
    if len(text.splitlines()) > MAX_MODULE_LINES:
        problems.append(f"{len(text.splitlines())} lines, more than {MAX_MODULE_LINES}")
    for node in definitions(path):
        if isinstance(node, ast.ClassDef):
            methods = [child for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)]
            if node.name not in FACADES and length(node) > MAX_CLASS_LINES:
                problems.append(f"class {node.name}: {length(node)} lines, more than {MAX_CLASS_LINES}")
            own = [method for method in methods if not _is_accessor(method)]
            if node.name not in FACADES and len(own) > MAX_METHODS:
                problems.append(f"class {node.name}: {len(own)} methods, more than {MAX_METHODS}")
        elif length(node) > MAX_FUNCTION_LINES:
            problems.append(f"function {node.name}: {length(node)} lines, more than {MAX_FUNCTION_LINES}")
    assert not problems, f"{relative(path)}: " + "; ".join(problems)


def _is_accessor(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Properties, overloads and dunder methods are vocabulary, not behaviour; a Protocol's stubs neither."""
    names = {
        name.id if isinstance(name, ast.Name) else name.attr
        for name in node.decorator_list
        if isinstance(name, ast.Name | ast.Attribute)
    }
    return bool(names & {"property", "overload", "setter", "cached_property"}) or node.name.startswith("__")


@pytest.mark.parametrize("path", [path for path in modules() if not is_shell(path)], ids=relative)
def test_no_core_module_does_io(path: Path) -> None:
    """``open`` and its like only in shells; ruff bans clocks, threads and randomness by import."""
    problems = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BANNED_CALLS:
            if node.func.id == "exec" and relative(path) in EXEC_ALLOWED:
                continue
            problems.append(f"line {node.lineno}: {node.func.id}()")
        if isinstance(node, ast.For | ast.comprehension):
            iterated = node.iter
            if isinstance(iterated, ast.Set | ast.SetComp):
                problems.append(f"line {iterated.lineno}: iteration over a set")
    assert not problems, f"{relative(path)}: " + "; ".join(problems)


def test_package_inits_only_reexport() -> None:
    problems = []
    for path in modules():
        if path.name != "__init__.py":
            continue
        for node in ast.parse(path.read_text()).body:
            allowed = ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign
            if isinstance(node, allowed) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
                continue
            if relative(path) == "broker_core/__init__.py":
                continue  # installs the finder that STREAMS_COMPILED=0 asks for, before anything else is imported
            if relative(path) == "streams/client/__init__.py":
                continue  # imports what it exports when it is asked for
            problems.append(f"{relative(path)}:{node.lineno}")
    assert not problems, problems


def test_no_module_is_called_utils() -> None:
    assert not [relative(path) for path in modules() if path.stem in {"utils", "util", "helpers", "common", "misc"}]


WITHOUT_TWIN = {
    "broker_core/model.py", "broker_core/ports.py", "broker_core/errors.py", "broker_core/config.py",
    "broker_core/decision.py",
    "state/model.py", "state/ports.py", "state/errors.py",
    "streams/model.py", "streams/ports.py", "streams/errors.py", "streams/config.py",
    "streams/serde/base.py", "streams/topology/nodes.py",
}  # fmt: skip
"""Declarations without behaviour; they are covered by whoever uses them."""


PROTOCOL_MACHINERY = {"api", "framing", "generate", "layout", "schema"}


def test_every_module_has_a_test_twin() -> None:
    """``a/b/c.py`` is tested by ``tests/unit/a/b/test_c.py``; all messages together by ``test_messages``."""
    missing = []
    for path in modules():
        name = relative(path)
        if path.name == "__init__.py" or name in WITHOUT_TWIN:
            continue
        if path.parent.name == "protocol" and "API_KEY" in path.read_text() and path.stem not in PROTOCOL_MACHINERY:
            continue  # one API's messages: tests/property/test_messages.py finds and checks every one
        twin = ROOT / "tests" / "unit" / path.parent.relative_to(ROOT) / f"test_{path.stem}.py"
        if not twin.exists():
            missing.append(name)
    assert not missing, f"no test twin: {missing}"


def test_no_dead_modules() -> None:
    """Every module is imported by another one, by a test, or started by name."""
    sources = [*modules(), *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "examples").rglob("*.py"))]
    imported: set[str] = set()
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module)
                imported.update(f"{node.module}.{alias.name}" for alias in node.names)
    started = {"streams.cli.main", "broker_core.__main__", "streams.__main__"}
    dead = []
    for path in modules():
        name = relative(path)[:-3].replace("/", ".")
        if path.name != "__init__.py" and name not in imported and name not in started:
            dead.append(name)
    assert not dead, dead
