"""For all tests: a compiled module must be as new as its source, or they would test what is no longer there."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def pytest_sessionstart(session: pytest.Session) -> None:
    stale = [
        binary.relative_to(ROOT).as_posix()
        for package in ("broker_core", "state", "streams")
        for types in (ROOT / package).rglob("*.pxd")
        for binary in types.parent.glob(f"{types.stem}.*.so")
        if binary.stat().st_mtime < max(types.stat().st_mtime, types.with_suffix(".py").stat().st_mtime)
    ]
    if stale:
        pytest.exit(f"older than their sources: {', '.join(stale)}; run: python setup.py build_ext --inplace", 4)
