"""``streams broker``: a log of its own process, served to Kafka's clients.

What is served and how is ``broker_core``'s; here is what a person sees.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from broker_core.broker_config import LOG_SETTINGS, START_SETTINGS
from broker_core.config import BrokerConfig
from broker_core.serving import Address, Teller, serve, settings_from
from broker_core.topic_config import text_of


def broker(
    listen: Annotated[
        str | None,
        typer.Option(
            "--listen", metavar="HOST:PORT", help="Where to listen; default 127.0.0.1:9092, port 0 is a free one."
        ),
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", metavar="DIR", help="Where the log is; default ./data.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting, by Kafka's name; repeatable.")
    ] = None,
    show_settings: Annotated[
        bool, typer.Option("--settings", help="List the settings with their defaults, and do nothing else.")
    ] = False,
) -> None:
    """Serve a log to Kafka's clients and tools, until Ctrl-C (which loses nothing)."""
    if show_settings:
        typer.echo(_settings_text())
        return
    config, texts = settings_from(listen, None if data_dir is None else str(data_dir), settings or [])
    console = Console(stderr=True)
    teller = Teller(lambda text: console.print(text, markup=False, highlight=False, soft_wrap=True))
    serve(config, texts, on_listening=lambda address: _say(address, config.log_dirs, console), observer=teller)
    console.print("stopped: everything that was acknowledged is on disk", highlight=False)


def _say(address: Address, directory: str, console: Console) -> None:
    typer.echo(f"listening on {address}")
    told = f"{address.advertised_host}:{address.advertised_port}"
    if told != str(address):
        console.print(f"clients are told to connect to {told} (advertised.listeners)", highlight=False)
    console.print(
        f"the log is in {directory}; from another terminal:\n"
        f"  echo hello | kcat -b {told} -P -t greetings\n"
        f"  kcat -b {told} -C -t greetings -e\n"
        f"  streams run app.py --broker {told}\n"
        "Ctrl-C stops it; nothing is lost",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip


def _settings_text() -> str:
    """Each setting as ``--set`` takes it, with its default, and below it what it means."""
    config = BrokerConfig()
    rows = [(name, setting.text(config), setting.meaning) for name, setting in START_SETTINGS.items()]
    rows += [(name, text_of(setting, config.log), setting.meaning) for name, setting in LOG_SETTINGS.items()]
    return "\n".join(f"{name}={default}\n    {meaning}" for name, default, meaning in rows)
