"""Whatever bytes a client sends, the broker answers or refuses them; it never falls over, and its logs stay whole."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker_core.broker import NoReply, Parked, Reply, SyncResult
from broker_core.config import BrokerConfig
from broker_core.errors import ProtocolError
from broker_core.handlers.table import HANDLERS
from broker_core.protocol.api import API
from broker_core.protocol.framing import Request, decode_request, encode_request, encode_response
from broker_core.protocol.layout import ArrayOf, StructOf, layout
from broker_core.protocol.schema import NO_UUID
from tests.unit.broker_core.broker_kit import CONNECTION, Kit, TransactionalProducer, produce_request

NAMES = ("a", "b", "tx", "g", "__consumer_offsets", "", "a/b", "\u00e4")
NUMBERS = (0, 1, 2, 7, -1, -2, 100)
"""What a field may hold; few values, so that requests meet each other's effects."""


def bodies(cls: Any, version: int) -> st.SearchStrategy[Any]:
    """Any message of ``cls`` that fits ``version``."""
    fields = {slot.name: _values(slot, version) for slot in layout(cls, version) if slot.present}
    return st.builds(cls, **fields)


def _values(slot: Any, version: int) -> st.SearchStrategy[Any]:
    values = _of_type(slot.type, version)
    return st.none() | values if slot.nullable else values


def _of_type(kind: Any, version: int) -> st.SearchStrategy[Any]:
    if isinstance(kind, ArrayOf):
        return st.lists(_of_type(kind.item, version), max_size=3).map(tuple)
    if isinstance(kind, StructOf):
        return bodies(kind.cls, version)
    if kind.name == "bool":
        return st.booleans()
    if kind.name == "string":
        return st.sampled_from(NAMES)
    if kind.name == "uuid":
        return st.just(NO_UUID)
    if kind.name in ("bytes", "records"):
        whole = [
            produce_request("a", "x", **more).topic_data[0].partition_data[0].records
            for more in ({}, {"producer": (1, 0, 0)}, {"producer": (0, 0, 0), "transactional_id": "tx"})
        ]
        return st.sampled_from(whole) | st.binary(max_size=80)
    return st.sampled_from(NUMBERS)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    api_key = draw(st.sampled_from(sorted(HANDLERS)))
    cls = API[api_key].request
    version = draw(st.integers(cls.MIN_VERSION, cls.MAX_VERSION))
    return Request(api_key=api_key, api_version=version, correlation_id=1, body=draw(bodies(cls, version)))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(requests(), min_size=1, max_size=12), st.booleans())
def test_any_requests_are_answered_and_can_be_encoded(asked: list[Request], crash: bool) -> None:
    kit = Kit(config=BrokerConfig(num_partitions=2)).open()
    kit.create("a", partitions=2)
    assert TransactionalProducer(kit).init() == 0
    kept: dict[int, Request] = {}
    for request in asked:
        outcome = kit.broker.handle(CONNECTION, decode_request(encode_request(request)), kit.now_ms)
        if isinstance(outcome, Parked):
            kept[outcome.token] = request
        elif isinstance(outcome, Reply):
            encode_response(request.api_key, request.api_version, 1, outcome.body)
        else:
            assert isinstance(outcome, NoReply)
        _take(kit, kept)
        for _ in range(4):
            wave = kit.broker.pending_syncs()
            for pending in wave:
                for file in pending.files:
                    file.sync()
            kit.broker.synced(SyncResult(done=wave), kit.now_ms)
            _take(kit, kept)
    kit.now_ms += 1_000
    kit.broker.tick(kit.now_ms)
    _take(kit, kept)
    assert not kept, "everything is answered at the latest at its deadline"
    kit.restart(crash="keep" if crash else None)


def _take(kit: Kit, kept: dict[int, Request]) -> None:
    for token, body in kit.broker.released():
        request = kept.pop(token)
        encode_response(request.api_key, request.api_version, 1, body)


@settings(max_examples=100, deadline=None)
@given(requests(), st.data())
def test_damaged_bytes_are_refused_or_answered(request: Request, data: st.DataObject) -> None:
    payload = bytearray(encode_request(request))
    for _ in range(data.draw(st.integers(1, 4))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    kit = Kit().open()
    try:
        kit.broker.handle(CONNECTION, decode_request(bytes(payload)), kit.now_ms)
    except ProtocolError:
        return
    kit.broker.released()
