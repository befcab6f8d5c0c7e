"""What ``streams.client`` exports, and what an application starts without."""

from __future__ import annotations

import subprocess
import sys

import pytest

import streams.client

LEFT_OUT = ("asyncio", "streams.client.membership", "streams.client.public", "streams.client.tcp", "broker_core.server")


@pytest.mark.parametrize("name", streams.client.__all__)
def test_every_exported_name_is_there(name: str) -> None:
    assert getattr(streams.client, name).__name__ == name
    assert name in dir(streams.client)


def test_another_name_is_an_error_as_of_any_module() -> None:
    with pytest.raises(AttributeError, match=r"'streams\.client' has no attribute 'Product'"):
        _ = streams.client.Product  # type: ignore[attr-defined]
    with pytest.raises(ImportError):
        from streams.client import Product  # type: ignore[attr-defined]  # noqa: F401


def test_an_application_starts_without_what_it_does_not_use() -> None:
    started = "import sys, streams, streams.runtime.run, streams.runtime.embedded"
    program = f"{started}; print([name for name in {LEFT_OUT} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
