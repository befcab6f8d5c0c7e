"""What an application is made of, in four forms, without running anything."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.streams.cli.conftest import Invoke


def test_as_text(invoke: Invoke, here: Path) -> None:
    out = invoke("describe", "app_file.py").output
    for part in ("lines", "shouted", "counts", "words-counts-changelog"):
        assert part in out
    assert not (here / "data").exists()


def test_as_json(invoke: Invoke) -> None:
    assert "lines" in json.dumps(json.loads(invoke("describe", "app_file.py", "--json").output))


def test_as_mermaid(invoke: Invoke) -> None:
    assert invoke("describe", "app_file.py", "--mermaid").output.startswith("flowchart")


def test_as_the_generated_code(invoke: Invoke) -> None:
    out = invoke("describe", "app_file.py", "--source").output
    assert out.startswith("# sub-topology 0\n")
    compile(out, "generated", "exec")
