"""Which modules run compiled, and the switch that makes them all run interpreted.

A compiled module is a plain Python file with a ``.pxd`` of C types beside it; where it was built, Python's own import
order prefers the extension. ``STREAMS_COMPILED=0`` in the environment installs a finder that takes the ``.py`` of such
modules instead. Must be imported before any of them: ``broker_core/__init__`` does so.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

PACKAGES: Final = ("broker_core", "state", "streams")
SWITCH: Final = "STREAMS_COMPILED"

_ROOT: Final = Path(__file__).resolve().parent.parent


class InterpretedFinder:
    """Finds the ``.py`` of every module that has a ``.pxd``, and nothing else."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        source = _source(name)
        if name.split(".", maxsplit=1)[0] not in PACKAGES or not source.with_suffix(".pxd").is_file():
            return None
        return spec_from_file_location(name, source)


def _source(name: str) -> Path:
    return _ROOT.joinpath(*name.split(".")).with_suffix(".py")


def compiled_modules() -> dict[str, bool]:
    """Name of every module that can be compiled -> whether this process runs (or would import) its compiled form."""
    found: dict[str, bool] = {}
    for package in PACKAGES:
        for types in sorted((_ROOT / package).rglob("*.pxd")):
            name = ".".join(types.relative_to(_ROOT).with_suffix("").parts)
            spec = find_spec(name)
            found[name] = spec is not None and spec.origin is not None and not spec.origin.endswith(".py")
    return found


def load_interpreted(name: str) -> ModuleType:
    """The interpreted twin of module ``name``, as a module of its own beside the compiled one; for tests."""
    spec = spec_from_file_location(name.replace(".", "_") + "_interpreted", _source(name))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def install() -> None:
    """Prefer the interpreted twins when the switch says so. Idempotent."""
    if os.environ.get(SWITCH) == "0" and InterpretedFinder not in sys.meta_path:
        sys.meta_path.insert(0, InterpretedFinder)
