"""AlterClientQuotas: a quota is never pretended."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.alter_client_quotas import AlterClientQuotasRequest, EntityData, EntryData, OpData
from tests.unit.broker_core.broker_kit import Kit


@pytest.mark.parametrize("version", [0, 1])
def test_setting_is_refused_and_removing_succeeds(kit: Kit, version: int) -> None:
    entity = (EntityData(entity_type="user", entity_name="u"),)
    sets = EntryData(entity=entity, ops=(OpData(key="producer_byte_rate", value=10.0), OpData(key="x", remove=True)))
    removes = EntryData(entity=entity, ops=(OpData(key="producer_byte_rate", remove=True),))
    refused, removed = kit.call(AlterClientQuotasRequest(entries=(sets, removes)), version).entries
    assert (refused.error_code, refused.entity) == (ErrorCode.UNSUPPORTED_VERSION, entity)
    assert "producer_byte_rate" in refused.error_message
    assert (removed.error_code, removed.error_message) == (0, None)


@pytest.mark.parametrize("version", [0, 1])
def test_a_refusal_that_quotes_more_than_a_string_holds_is_cut(version: int) -> None:
    """Found by the fuzzer: the answer could not be written, and the connection was closed."""
    kit = Kit(wire=True)
    keys = ["x" * 20_000, "y" * 20_000]
    entry = EntryData(entity=(), ops=tuple(OpData(key=key, value=1.0) for key in keys))
    (refused,) = kit.call(AlterClientQuotasRequest(entries=(entry,)), version).entries
    assert refused.error_code == ErrorCode.UNSUPPORTED_VERSION
    assert len(refused.error_message) == 32_767 and refused.error_message.endswith("y...")
