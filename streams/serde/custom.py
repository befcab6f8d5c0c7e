"""``serde.of``: a serde from two functions of the user's."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any, TypeVar

from streams.errors import SerdeError
from streams.serde.base import Serde

T = TypeVar("T")


def of(
    encode: Callable[[T], bytes], decode: Callable[[bytes], T], *, id: str | None = None, ordered: bool = False  # noqa: A002
) -> Serde[T]:  # fmt: skip
    """A serde from two functions.

    Arguments:
        encode: value to bytes; raises ``TypeError`` or ``ValueError`` for what it cannot encode.
        decode: bytes to value; raises ``ValueError`` for what it cannot decode.
        id: name of the format, kept in the manifest, so that a change is noticed; default: the encoder's name.
        ordered: whether the bytes sort as the values do.

    Raises:
        SerdeError: one of the two is no function.
    """
    for function, role in ((encode, "encode"), (decode, "decode")):
        if not callable(function):
            raise SerdeError(f"serde.of(encode, decode): {role} is {function!r}, no function")
    name = id or f"of:{getattr(encode, '__module__', '')}.{getattr(encode, '__qualname__', type(encode).__qualname__)}"
    return Serde(encode=encode, decode=decode, id=name, ordered=ordered, type=_decoded_type(decode))


def _decoded_type(decode: Callable[..., Any]) -> object:
    try:
        return typing.get_type_hints(decode).get("return")
    except (NameError, TypeError, AttributeError):
        return None
