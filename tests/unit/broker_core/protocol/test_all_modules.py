"""What holds for the module of every API key; their bytes are held to two other codecs in tests/property."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import pytest

from broker_core.protocol.api import API, ApiKey
from broker_core.protocol.schema import NEVER_FLEXIBLE, Struct
from tests.property.message_values import MESSAGES, MODULES


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rpartition(".")[2])
def test_one_request_and_one_response_per_module(module: ModuleType) -> None:
    """Named as Kafka names the API, of one key and one range of versions, which the module's first lines tell."""
    pair = sorted((cls for cls in MESSAGES if cls.__module__ == module.__name__), key=lambda cls: cls.__name__)
    assert [cls.__name__[-7:] for cls in pair] == ["Request", "esponse"]
    request, response = pair
    name = request.__name__.removesuffix("Request")
    assert response.__name__ == name + "Response"
    for constant in ("API_KEY", "MIN_VERSION", "MAX_VERSION", "FLEXIBLE_FROM"):
        assert getattr(request, constant) == getattr(response, constant)
    assert module.__name__.endswith("." + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    assert module.__doc__ is not None
    assert module.__doc__.startswith(f"{name} (API key {request.API_KEY}): ")
    flexible = "never flexible" if request.FLEXIBLE_FROM == NEVER_FLEXIBLE else f"flexible from {request.FLEXIBLE_FROM}"
    assert f"{request.MAX_VERSION}, {flexible}." in module.__doc__


@pytest.mark.parametrize("cls", MESSAGES, ids=lambda cls: cls.__name__)
def test_messages_are_immutable_values_with_defaults(cls: type[Any]) -> None:
    message = cls()
    assert message == cls() and hash(message) == hash(cls())
    assert isinstance(message, Struct)
    with pytest.raises(TypeError):
        cls(0)
    for field in cls.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(message, field, None)


def test_the_table_has_every_key_that_it_names() -> None:
    by_key = {cls.API_KEY for cls in MESSAGES}
    assert set(API) == set(ApiKey) <= by_key
