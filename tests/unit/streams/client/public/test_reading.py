"""What a consumer does for its group while its application does something else."""

from __future__ import annotations

from streams.client import Consumer, Producer, TopicPartition


def test_a_rebalance_is_attended_to_in_the_middle_of_a_long_iteration(data_dir: str) -> None:
    """Whoever works through a large fetch lets the others in before it is done."""
    with Producer(data_dir=data_dir) as producer:
        for partition in (0, 1):  # for which of the two each member keeps is left to chance
            producer.send_batch("t", values=[b"x"] * 50_000, partition=partition)
    arguments = {"group": "g", "data_dir": data_dir, "auto_offset_reset": "earliest", "heartbeat_interval": "50ms"}
    with Consumer("t", **arguments) as one:  # type: ignore[arg-type]
        records = one.records()
        next(records)
        with Consumer("t", **arguments) as two:  # type: ignore[arg-type]
            read = 0
            while len(two.assignment) != 1:
                two.poll("1ms", max_records=1)
                for _ in range(500):
                    next(records)
                    read += 1
                assert read < 45_000
            assert len(one.assignment) == 1


def test_a_listener_may_seek_before_anything_is_read(data_dir: str) -> None:
    with Producer(data_dir=data_dir) as producer:
        producer.send_batch("t", values=[b"a", b"b", b"c"], partition=0)
    consumer = Consumer(group="g", data_dir=data_dir, auto_offset_reset="earliest")

    def begin(places: tuple[TopicPartition, ...]) -> None:
        for place in places:
            consumer.seek(place, 1 if place.partition == 0 else 0)

    with consumer:
        consumer.subscribe(["t"], on_assigned=begin)
        assert [record.value for record in consumer.records(idle="300ms")] == [b"b", b"c"]


def test_a_changed_subscription_reads_the_other_topic(data_dir: str) -> None:
    with Producer(data_dir=data_dir) as producer:
        producer.send("t", value=b"t", partition=0)
        producer.send("u", value=b"u", partition=0)
    with Consumer("t", group="g", data_dir=data_dir, auto_offset_reset="earliest") as consumer:
        assert [record.value for record in consumer.poll("20s")] == [b"t"]
        consumer.subscribe(["u"])
        assert [record.value for record in consumer.poll("20s")] == [b"u"]
        assert {place.topic for place in consumer.assignment} == {"u"}
