"""The table of settings in docs/how-to/broker.md, from the code; as a module it writes it there."""

from __future__ import annotations

from pathlib import Path

from broker_core.broker_config import LOG_SETTINGS, START_SETTINGS
from broker_core.config import BrokerConfig
from broker_core.topic_config import text_of

PAGE = Path(__file__).parents[4] / "docs/how-to/broker.md"


def settings_table() -> str:
    """Markdown."""
    config = BrokerConfig()
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    rows += [f"| `{name}` | {_shown(each.text(config))} | {each.meaning} |" for name, each in START_SETTINGS.items()]
    rows += [
        f"| `{name}` | {_shown(text_of(each, config.log))} | {each.meaning} |" for name, each in LOG_SETTINGS.items()
    ]
    return "\n".join(rows)


def _shown(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    page = PAGE.read_text()
    PAGE.write_text(page[: page.index("| setting |")] + settings_table() + "\n")
