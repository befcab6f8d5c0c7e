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
