"""What recovery does about transactions that are open in partition logs.

Owns the sorting: which of them the coordinator knows, which must be aborted and their owner fenced, and which belong
to nobody. They come about because records that open or grow a transaction are not waited for: the power can fail
between data that is synced and a record that is not (docs/decisions/0002-sync-waves.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from broker_core.decision import Marker
from broker_core.model import ProducerEpoch, ProducerId, TopicPartition
from broker_core.txn.states import TransactionState
from broker_core.txn.table import TransactionTable
from broker_core.txn.transaction import Transaction


class OpenTransaction(NamedTuple):
    """An open transaction as a partition's log shows it."""

    topic_partition: TopicPartition
    producer_id: ProducerId
    producer_epoch: ProducerEpoch


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPlan:
    """What is to be done after loading.

    Attributes:
        prepared: transactional ids whose markers are written (again).
        fenced: transactional ids to be aborted and fenced, with the partitions that the coordinator did not know of.
        unowned: open transactions of no transactional id, each to be closed with an abort marker.
    """

    prepared: tuple[str, ...]
    fenced: tuple[tuple[str, tuple[TopicPartition, ...]], ...]
    unowned: tuple[OpenTransaction, ...]


def abort_marker(found: OpenTransaction, coordinator_epoch: int) -> Marker:
    """The end of an open transaction that belongs to no transactional id."""
    return Marker(
        producer_id=found.producer_id,
        producer_epoch=found.producer_epoch,
        coordinator_epoch=coordinator_epoch,
        commit=False,
    )


def recovery_plan(table: TransactionTable, open_transactions: Iterable[OpenTransaction]) -> RecoveryPlan:
    """Sort what was found open.

    A known owner is fenced rather than quietly aborted: it believes its transaction to be whole, and its EndTxn would
    find the id settled and, in the version 1 protocol, be taken for a repetition of the last one.
    """
    owners = {transaction.producer_id: transaction for transaction in table}
    fenced: dict[str, list[TopicPartition]] = {}
    unowned: list[OpenTransaction] = []
    for found in sorted(open_transactions):
        owner = owners.get(found.producer_id)
        if owner is None:
            unowned.append(found)
        elif not _is_known(owner, found):
            if owner.state.is_prepared:
                unowned.append(found._replace(producer_epoch=max(found.producer_epoch, owner.producer_epoch)))
            else:
                fenced.setdefault(owner.transactional_id, []).append(found.topic_partition)
    return RecoveryPlan(
        prepared=tuple(sorted(each.transactional_id for each in table if each.state.is_prepared)),
        fenced=tuple((name, tuple(partitions)) for name, partitions in sorted(fenced.items())),
        unowned=tuple(unowned),
    )


def _is_known(owner: Transaction, found: OpenTransaction) -> bool:
    if found.topic_partition not in owner.partitions:
        return False
    return owner.state.is_prepared or (
        owner.state is TransactionState.ONGOING and owner.producer_epoch == found.producer_epoch
    )
