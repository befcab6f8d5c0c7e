"""The diagram of docs/groups.md is drawn from the table of states.

``python -m tests.golden.test_groups_page`` draws it anew; read the difference before committing it.
"""

from __future__ import annotations

import re
from pathlib import Path

from broker_core.broker_config import START_SETTINGS
from broker_core.config import BrokerConfig
from broker_core.group.states import NEXT_STATES

PAGE = Path(__file__).parents[2] / "docs" / "groups.md"
_PICTURE = re.compile(r"(?<=<!-- states -->\n```mermaid\n).*?(?=```)", re.DOTALL)


def drawn() -> str:
    lines = ["stateDiagram-v2", "    [*] --> Empty"]
    for state, targets in NEXT_STATES.items():
        lines += [f"    {state.value} --> {after.value}: {why}" for after, why in targets.items()]
        lines += [] if targets else [f"    {state.value} --> [*]"]
    return "\n".join(lines) + "\n"


def test_the_picture_is_the_table() -> None:
    assert _PICTURE.findall(PAGE.read_text()) == [drawn()]


def test_the_settings_are_those_of_the_broker() -> None:
    rows = dict(re.findall(r"^\| `([a-z.]+)` \| (-?\d+) \|", PAGE.read_text(), re.MULTILINE))
    assert rows == {name: START_SETTINGS[name].text(BrokerConfig()) for name in rows}
    assert {name for name in START_SETTINGS if name.startswith("group.")} <= set(rows)


if __name__ == "__main__":
    PAGE.write_text(_PICTURE.sub(lambda _: drawn(), PAGE.read_text()))
