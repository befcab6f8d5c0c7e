"""Hypothesis strategies for message values, derived from the layouts that the codec itself uses."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from broker_core.errors import ErrorCode
from broker_core.protocol import (
    add_offsets_to_txn,
    add_partitions_to_txn,
    alter_client_quotas,
    alter_configs,
    alter_partition_reassignments,
    alter_replica_log_dirs,
    alter_user_scram_credentials,
    api_versions,
    create_acls,
    create_partitions,
    create_topics,
    delete_acls,
    delete_groups,
    delete_records,
    delete_topics,
    describe_acls,
    describe_client_quotas,
    describe_cluster,
    describe_configs,
    describe_groups,
    describe_log_dirs,
    describe_producers,
    describe_quorum,
    describe_topic_partitions,
    describe_transactions,
    describe_user_scram_credentials,
    elect_leaders,
    end_txn,
    fetch,
    find_coordinator,
    heartbeat,
    incremental_alter_configs,
    init_producer_id,
    join_group,
    leave_group,
    list_config_resources,
    list_groups,
    list_offsets,
    list_partition_reassignments,
    list_transactions,
    metadata,
    offset_commit,
    offset_delete,
    offset_fetch,
    offset_for_leader_epoch,
    produce,
    sasl_authenticate,
    sasl_handshake,
    sync_group,
    txn_offset_commit,
    update_features,
    write_txn_markers,
)
from broker_core.protocol.layout import ArrayOf, Slot, Struct, StructOf, Type, layout
from broker_core.protocol.primitives import Primitive

MODULES = (
    add_offsets_to_txn,
    add_partitions_to_txn,
    alter_client_quotas,
    alter_configs,
    alter_partition_reassignments,
    alter_replica_log_dirs,
    alter_user_scram_credentials,
    api_versions,
    create_acls,
    create_partitions,
    create_topics,
    delete_acls,
    delete_groups,
    delete_records,
    delete_topics,
    describe_acls,
    describe_client_quotas,
    describe_cluster,
    describe_configs,
    describe_groups,
    describe_log_dirs,
    describe_producers,
    describe_quorum,
    describe_topic_partitions,
    describe_transactions,
    describe_user_scram_credentials,
    elect_leaders,
    end_txn,
    fetch,
    find_coordinator,
    heartbeat,
    incremental_alter_configs,
    init_producer_id,
    join_group,
    leave_group,
    list_config_resources,
    list_groups,
    list_offsets,
    list_partition_reassignments,
    list_transactions,
    metadata,
    offset_commit,
    offset_delete,
    offset_fetch,
    offset_for_leader_epoch,
    produce,
    sasl_authenticate,
    sasl_handshake,
    sync_group,
    txn_offset_commit,
    update_features,
    write_txn_markers,
)
"""The modules of all API keys; some are spoken by none of our programs yet and so are not in ``api.API``."""

MESSAGES: tuple[type[Any], ...] = tuple(
    value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, Struct) and hasattr(value, "API_KEY")
)

INTEGER_BITS = {"b": 7, "h": 15, "i": 31, "q": 63}
UNSIGNED_BITS = {"H": 16, "I": 32}
TIMES = st.sampled_from([-1, 0, 1, 999, 1_700_000_000_123])
"""Values of fields that kio turns into a timedelta or datetime, which not every integer survives."""


def _integers(code: str) -> st.SearchStrategy[int]:
    if code in UNSIGNED_BITS:
        return st.integers(0, 2 ** UNSIGNED_BITS[code] - 1)
    bits = INTEGER_BITS[code]
    return st.integers(-(2**bits), 2**bits - 1)


def _primitive(kind: Primitive, name: str) -> st.SearchStrategy[Any]:
    if name.endswith("error_code"):
        return st.sampled_from([int(code) for code in ErrorCode])
    if name == "transaction_start_time_ms":  # kio reads a datetime that cannot be missing
        return TIMES.filter(lambda time_ms: time_ms >= 0)
    if kind.format == "q" and ("time" in name or "_ms" in name):
        return TIMES
    if kind.format == "i" and ("time" in name or "_ms" in name):
        return st.sampled_from([0, 1, 999, 60_000])
    if kind.format == "?":
        return st.booleans()
    if kind.format == "d":
        return st.floats(allow_nan=False, allow_infinity=False)
    if kind.format == "16s":
        return st.uuids(allow_nil=True)
    if kind.format:
        return _integers(kind.format)
    return st.text(max_size=20) if kind.name == "string" else st.binary(max_size=200)


def _value(kind: Type, version: int, name: str) -> st.SearchStrategy[Any]:
    if isinstance(kind, StructOf):
        return messages(kind.cls, version)
    if isinstance(kind, ArrayOf):
        return st.lists(_value(kind.item, version, name), max_size=3).map(tuple)
    return _primitive(kind, name)


def _field(slot: Slot, version: int) -> st.SearchStrategy[Any]:
    value = _value(slot.type, version, slot.name)
    return st.none() | value if slot.nullable else value


@cache
def messages(cls: type[Struct], version: int) -> st.SearchStrategy[Any]:
    """Any value of ``cls`` that version ``version`` can carry; absent fields keep their defaults."""
    present = {slot.name: _field(slot, version) for slot in layout(cls, version) if slot.present}
    return st.builds(cls, **present)
