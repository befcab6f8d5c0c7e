"""The installation at a glance."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from broker_core.compiled import compiled_modules
from streams.cli.doctor import LIBRARIES
from tests.unit.streams.cli.conftest import Invoke


def test_versions_compiled_modules_and_the_disk(invoke: Invoke, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "9.9" if name == "streams-dsl" else known(name))
    before = sorted(here.iterdir())
    out = invoke("doctor").output
    assert out.startswith("streams-dsl 9.9, Python 3.")
    for name, is_compiled in compiled_modules().items():
        assert f"  {'compiled   ' if is_compiled else 'interpreted'}  {name}\n" in out
    for name in LIBRARIES:
        assert f"  {name} {known(name)}\n" in out
    assert "this directory is writable, " in out
    assert sorted(here.iterdir()) == before
