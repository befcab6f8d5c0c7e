"""Which form of a module runs, and the switch between them, seen from fresh processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from broker_core.compiled import compiled_modules, load_interpreted

ROOT = Path(__file__).parents[3]
CODEC = "broker_core.protocol.record_codec"
PROGRAM = f"""
import json
from broker_core.compiled import compiled_modules
import {CODEC} as codec
print(json.dumps([compiled_modules(), codec.__file__.endswith(".py")]))
"""


def modules_of_a_fresh_process(switch: str) -> tuple[dict[str, bool], bool]:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "STREAMS_COMPILED": switch},
        capture_output=True,
        check=True,
    )
    modules, interpreted = json.loads(ran.stdout)
    return modules, interpreted


def test_the_switch_prefers_the_interpreted_twins() -> None:
    modules, interpreted = modules_of_a_fresh_process("0")
    assert interpreted
    assert CODEC in modules and not any(modules.values())


def test_without_the_switch_the_compiled_form_runs_where_it_was_built() -> None:
    modules, interpreted = modules_of_a_fresh_process("1")
    built = bool(list((ROOT / "broker_core" / "protocol").glob("record_codec.*.so")))
    assert modules[CODEC] is built
    assert interpreted is not built


def test_every_module_with_c_types_is_listed() -> None:
    with_types = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in ("broker_core", "state", "streams")
        for path in (ROOT / package).rglob("*.pxd")
    }
    assert set(compiled_modules()) == with_types


def test_the_interpreted_twin_stands_beside_the_imported_module() -> None:
    twin = load_interpreted(CODEC)
    assert twin.__file__ is not None and twin.__file__.endswith("record_codec.py")
    assert sys.modules.get(CODEC) is not twin
