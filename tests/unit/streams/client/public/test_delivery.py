from __future__ import annotations

import threading

import pytest

from streams.client import ClientError, Producer


def test_a_delivery_says_where_its_record_is(data_dir: str) -> None:
    with Producer(data_dir=data_dir, linger="1h") as producer:
        one = producer.send("t", value=b"a", timestamp=7, partition=1)
        two = producer.send("t", value=b"b", partition=1)
        assert not one.done
        assert one.result(20) == ("t", 1, 0, 7), "asking for it does not wait for the linger time"
        assert two.done
        assert two.result().offset == 1


def test_a_callback_is_called_also_when_it_is_late(data_dir: str) -> None:
    called = threading.Event()
    with Producer(data_dir=data_dir) as producer:
        delivery = producer.send("t", value=b"a", partition=0)
        delivery.then(lambda done: called.set() if done.result().offset == 0 else None)
        assert called.wait(20)
        again = threading.Event()
        delivery.then(lambda _: again.set())
        assert again.is_set()


def test_what_could_not_be_written_says_why(data_dir: str) -> None:
    with Producer(data_dir=data_dir) as producer:
        delivery = producer.send("not a topic!", value=b"a")
        with pytest.raises(ClientError, match="not a topic!"):
            delivery.result(20)
        with pytest.raises(ClientError, match="not a topic!"):
            producer.flush()
