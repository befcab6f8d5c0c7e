"""Every message class at every version: against itself, against two independent codecs, and against hostile bytes.

The oracles (``oracles.py``) decode what we write, agree about the fields, and write the same bytes again.
"""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kio.serial import entity_reader, entity_writer

from broker_core.errors import ProtocolError
from broker_core.protocol.api_versions import ApiVersionsResponse
from broker_core.protocol.layout import Struct, StructOf
from broker_core.protocol.schema import decode, encode
from tests.property.message_values import MESSAGES, messages
from tests.property.oracles import as_plain, kafka_python_class, kio_class, their_plain

CASES = [
    pytest.param(cls, version, id=f"{cls.__name__}-v{version}")
    for cls in MESSAGES
    for version in range(cls.MIN_VERSION, cls.MAX_VERSION + 1)
]
FEW = settings(
    max_examples=5,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
    database=None,
)


@pytest.mark.parametrize(("cls", "version"), CASES)
@FEW
@given(data=st.data())
def test_a_message_survives_the_wire_and_the_oracles_agree(
    cls: type[Struct], version: int, data: st.DataObject
) -> None:
    """decode(encode(m)) == m; kio and kafka-python read the same fields and write the same bytes; no prefix is one."""
    message = data.draw(messages(cls, version))
    raw = encode(message, version)
    assert decode(cls, version, raw) == message

    entity, size = entity_reader(kio_class(cls, version))(raw, 0)
    buffer = io.BytesIO()
    entity_writer(kio_class(cls, version))(buffer, entity)
    assert (size, buffer.getvalue()) == (len(raw), raw)

    for end in {0, len(raw) // 2, len(raw) - 1} - {len(raw), -1}:
        with pytest.raises(ProtocolError):
            decode(cls, version, raw[:end])

    if isinstance(message, ApiVersionsResponse) and message.error_code:
        return  # kafka-python then expects version 0, whatever was asked for
    theirs = kafka_python_class(cls).decode(raw, version=version)
    plain = as_plain(message, StructOf(cls), version)
    assert their_plain(theirs, plain) == plain
    theirs._header = None  # encode() asks for it, decode() leaves it unset
    assert bytes(theirs.encode(version=version)) == raw


@pytest.mark.parametrize(("cls", "version"), CASES)
def test_exchanged_bytes_are_a_message_or_a_protocol_error(cls: type[Struct], version: int) -> None:
    """Whatever one byte of a message turns into, decoding ends with a message or ``ProtocolError``, nothing else."""
    raw = encode(cls(), version)
    for position in range(len(raw)):
        for byte in (0, 1, 2, 0x7F, 0x80, 0xFF):
            hostile = raw[:position] + bytes((byte,)) + raw[position + 1 :]
            try:
                assert isinstance(decode(cls, version, hostile), cls)
            except ProtocolError:
                pass


@settings(max_examples=300, deadline=None)
@given(case=st.sampled_from([case.values for case in CASES]), noise=st.binary(max_size=80))
def test_noise_is_a_message_or_a_protocol_error(case: tuple[type[Struct], int], noise: bytes) -> None:
    cls, version = case
    try:
        message = decode(cls, version, noise)
    except ProtocolError:
        return
    assert isinstance(message, cls)
