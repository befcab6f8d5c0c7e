"""``python -m broker_core``: the broker alone, without the framework's command line. A shell."""

from __future__ import annotations

import argparse
import sys

from broker_core.errors import BrokerError, StorageError
from broker_core.serving import Address, Teller, serve, settings_from, settings_help


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m broker_core",
        description="A broker that speaks Kafka's protocol, over one data directory.",
        epilog="settings (--set NAME=VALUE), besides the defaults of topics such as log.retention.ms:\n"
        + settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--listen", metavar="HOST:PORT", help="default 127.0.0.1:9092; port 0 takes a free one")
    parser.add_argument("--data-dir", metavar="DIR", help="default ./data")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a setting, by Kafka's name")
    options = parser.parse_args(arguments)
    try:
        config, texts = settings_from(options.listen, options.data_dir, options.set)
        serve(config, texts, on_listening=_say, observer=Teller(_complain))
    except (BrokerError, StorageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _say(address: Address) -> None:
    print(f"listening on {address}", flush=True)


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
