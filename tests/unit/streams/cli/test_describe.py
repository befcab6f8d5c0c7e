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
    assert out.startswith("# Sub-topology 0: ")
    compile(out, "generated", "exec")


def test_one_form_at_a_time(invoke: Invoke) -> None:
    assert (
        "one of --mermaid, --json and --source"
        in invoke("describe", "app_file.py", "--json", "--source", status=2).stderr
    )


def test_what_leads_nowhere_is_shown(invoke: Invoke, here: Path) -> None:
    assert "nowhere" not in invoke("describe", "app_file.py").output
    (here / "lost.py").write_text(
        "from streams import App\napp = App('lost', data_dir='data')\nlines = app.stream('lines', key=str, value=str)\n"
        "lines.map_values(str.upper)\nlines.peek(print)\n"
    )
    assert invoke("describe", "lost.py").output.count("nowhere") == 1
    told = invoke("run", "lost.py", "--until-end").stderr
    assert "lost: what lines-map-values (lost.py:4) makes goes nowhere: no to() and no for_each() follows" in told
