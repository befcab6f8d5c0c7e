"""Headers and correlation ids, against captured bytes, and the answers to what is not spoken."""

from __future__ import annotations

import pytest

from broker_core.errors import ProtocolError
from broker_core.protocol.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from broker_core.protocol.framing import (
    Request,
    UnsupportedRequestError,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
    encode_response_to,
)
from broker_core.protocol.metadata import MetadataRequest
from broker_core.protocol.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from broker_core.protocol.schema import encode_to


def test_request_header_v1() -> None:
    request = Request(api_key=3, api_version=1, correlation_id=7, client_id="ab", body=MetadataRequest(topics=None))
    raw = encode_request(request)
    assert raw == bytes.fromhex("0003 0001 00000007 0002 6162" + "ffffffff")
    assert decode_request(raw) == request


def test_request_header_v2_keeps_the_old_client_id_and_adds_tags() -> None:
    """What librdkafka sends first: ApiVersions v3."""
    body = ApiVersionsRequest(client_software_name="kcat", client_software_version="1.7")
    request = Request(api_key=18, api_version=3, correlation_id=1, client_id="rdkafka", body=body)
    raw = encode_request(request)
    assert raw == bytes.fromhex("0012 0003 00000001 0007 72646b61666b61 00" + "05 6b636174 04 312e37 00")
    assert decode_request(raw) == request


def test_unknown_tags_in_a_request_header_are_skipped() -> None:
    raw = bytes.fromhex("0012 0003 00000001 ffff 01 05 02 aaaa" + "01 01 00")
    assert decode_request(raw).body == ApiVersionsRequest()


def test_response_headers() -> None:
    """v1 of a flexible response has tags; ApiVersions never has them."""
    body = ApiVersionsResponse(api_keys=(ApiVersion(api_key=18, min_version=0, max_version=4),))
    raw = encode_response(18, 3, 9, body)
    assert raw == bytes.fromhex("00000009" + "0000 02 0012 0000 0004 00 00000000 00")
    assert decode_response(18, 3, raw) == (9, body)
    flexible = encode_response(0, 9, 9, ProduceResponse())
    assert flexible == bytes.fromhex("00000009 00" + "01 00000000 00")
    assert decode_response(0, 9, flexible) == (9, ProduceResponse())
    assert encode_response(0, 8, 9, ProduceResponse()) == bytes.fromhex("00000009" + "00000000 00000000")


@pytest.mark.parametrize(("api_key", "api_version"), [(18, 5), (0, 2), (0, 13), (999, 0), (3, -1)])
def test_a_request_that_is_not_spoken_names_its_header(api_key: int, api_version: int) -> None:
    """The broker answers these with error 35 and the correlation id, so it must learn it."""
    raw = api_key.to_bytes(2) + api_version.to_bytes(2, signed=True) + bytes.fromhex("0000002a ffff")
    with pytest.raises(UnsupportedRequestError) as caught:
        decode_request(raw)
    assert (caught.value.header.api_key, caught.value.header.api_version) == (api_key, api_version)
    assert caught.value.header.correlation_id == 42


@pytest.mark.parametrize("raw", [b"", b"\0\x03\0\x01\0\0\0", bytes.fromhex("0003000100000007 0009 6162")])
def test_no_header_is_a_protocol_error(raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_request(raw)


@pytest.mark.parametrize(("key", "raw"), [(999, b"\0\0\0\1"), (0, b"\0\0\0"), (0, b"\0\0\0\1")])
def test_no_response_is_a_protocol_error(key: int, raw: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_response(key, 9, raw)


def test_record_data_is_passed_on_by_reference() -> None:
    """So that a server can send a response of many megabytes without copying it."""
    records = b"r" * 100_000
    pieces: list[bytes] = []
    request = ProduceRequest(
        topic_data=(TopicProduceData(name="t", partition_data=(PartitionProduceData(records=records),)),)
    )
    encode_response_to(pieces.append, 0, 9, 1, ProduceResponse())
    assert b"".join(pieces) == encode_response(0, 9, 1, ProduceResponse())
    whole = encode_request(Request(api_key=0, api_version=9, body=request))
    assert decode_request(whole).body == request

    encode_to(pieces.append, request, 9)
    assert any(piece is records for piece in pieces)


def test_a_response_may_carry_results_of_several_partitions() -> None:
    body = ProduceResponse(
        responses=(
            TopicProduceResponse(
                name="t",
                partition_responses=(
                    PartitionProduceResponse(index=0, base_offset=5, log_start_offset=0),
                    PartitionProduceResponse(index=1, error_code=3, base_offset=-1, error_message="no such partition"),
                ),
            ),
        )
    )
    for version in range(8, 13):
        assert decode_response(0, version, encode_response(0, version, 3, body)) == (3, body)
