"""From many threads into columns, and back-pressure."""

from __future__ import annotations

import threading

from streams.client import Admin, Consumer, Producer, TopicPartition
from streams.client.public.sending import CONSIGNMENT_RECORDS


def test_many_threads_lose_nothing_and_keep_their_order(data_dir: str) -> None:
    with Producer(data_dir=data_dir, linger="1ms") as producer:

        def work(name: int) -> None:
            for number in range(200):
                producer.send("t", key=b"%d" % name, value=b"%d" % number)

        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    seen: dict[bytes, list[int]] = {}
    with Consumer(data_dir=data_dir, key=bytes, value=int, auto_offset_reset="earliest") as consumer:
        consumer.assign([("t", 0), ("t", 1)])
        for record in consumer.records(idle="200ms"):
            seen.setdefault(record.key, []).append(record.value)
    assert seen == {b"%d" % name: list(range(200)) for name in range(4)}


def test_who_sends_faster_than_the_log_waits(data_dir: str) -> None:
    with Producer(data_dir=data_dir, buffer_bytes=10_000, linger="1h") as producer:
        for _ in range(50):
            producer.send("t", value=b"x" * 1_000, partition=0)
            assert producer._sending._under_way_bytes < 12_000
    with Admin(data_dir=data_dir) as admin:
        assert admin.list_offsets("end", [("t", 0)]) == {TopicPartition("t", 0): 50}


def test_a_full_consignment_leaves_at_once(data_dir: str) -> None:
    with Producer(data_dir=data_dir, linger="1h") as producer:
        delivery = [producer.send("t", value=b"x", partition=0) for _ in range(CONSIGNMENT_RECORDS)][-1]
        delivery._parcel.outcome.result(20)
        assert delivery.result().offset == CONSIGNMENT_RECORDS - 1


def test_batches_and_single_records_keep_the_order_in_which_they_were_sent(data_dir: str) -> None:
    with Producer(data_dir=data_dir) as producer:
        producer.send("t", value=b"1", partition=0)
        producer.send_batch("t", values=[b"2", b"3"], partition=0)
        producer.send("t", value=b"4", partition=0)
    with Consumer(data_dir=data_dir, auto_offset_reset="earliest") as consumer:
        consumer.assign([("t", 0)])
        assert [record.value for record in consumer.records(idle="200ms")] == [b"1", b"2", b"3", b"4"]
