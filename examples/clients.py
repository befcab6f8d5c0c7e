"""Without a topology: a producer, two consumers that share the work as a group, and results in transactions.

python examples/clients.py            # an embedded log in a directory of its own
STREAMS_BROKER=host:9092 python examples/clients.py
"""

import os
import tempfile

from streams.client import Admin, Consumer, Producer

TEXTS = ["the quick brown fox", "jumps over", "the lazy dog"]


def worker() -> Consumer:
    return Consumer("texts", group="lengths", value=str, auto_offset_reset="earliest", auto_commit=False)


def main() -> None:
    # where the log is comes from the environment; without a broker there it is a directory
    os.environ.setdefault("STREAMS_DATA_DIR", tempfile.mkdtemp())
    with Admin() as admin:
        admin.create_topic("texts", partitions=4)
        admin.create_topic("lengths", partitions=1)
        with Producer(value=str) as producer:
            deliveries = [producer.send("texts", key=text[:3], value=text) for text in TEXTS]
            print("the last one is in partition", deliveries[-1].result().partition)

        with (
            worker() as one,
            worker() as two,
            Producer(value=int, transactional_id="lengths-1") as producer,
        ):
            left = len(TEXTS)
            while left:
                for consumer in (one, two):
                    records = consumer.poll("100ms")
                    with producer.transaction():  # results and progress: both, or neither
                        for record in records:
                            producer.send("lengths", key=record.key, value=len(record.value))
                        producer.send_offsets(consumer)
                    left -= len(records)

        with Consumer(key=str, value=int, auto_offset_reset="earliest") as consumer:
            consumer.assign([("lengths", 0)])
            for record in consumer.records(idle="1s"):
                print(record.value, record.key)


if __name__ == "__main__":
    main()
