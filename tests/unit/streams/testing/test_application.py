"""What a test calls a topic, and records as bytes."""

from __future__ import annotations

import pytest

from streams import App, SerdeError, StreamsError, serde
from streams.testing.application import decoded, encoded, source_topic
from tests.unit.streams.testing.apps import word_count


def test_a_topic_is_named_or_read_by_a_stream() -> None:
    app, lines, _ = word_count()
    assert source_topic(app.topology(), lines) == "lines"
    assert source_topic(app.topology(), "anything") == "anything"


def test_what_is_no_single_source_is_refused() -> None:
    app, lines, counts = word_count()
    both = app.stream(["a", "b"], key=str, value=str)
    both.to("c")
    for target in (counts, counts.to_stream(), 5):
        with pytest.raises(StreamsError, match="is no source"):
            source_topic(app.topology(), target)
    with pytest.raises(StreamsError, match="name one of a, b"):
        source_topic(app.topology(), both)
    other = App("other")
    other.stream("x", key=str, value=str).to("y")
    with pytest.raises(StreamsError, match="is no source"):
        source_topic(other.topology(), lines)


def test_bytes_and_back_say_what_does_not_fit() -> None:
    assert encoded(None, serde.utf8, "key") is None
    assert decoded(None, serde.utf8, "key") is None
    assert decoded(encoded("x", serde.utf8, "key"), serde.utf8, "key") == "x"
    with pytest.raises(SerdeError, match="does not fit as value of topic 't'"):
        encoded(5, serde.utf8, "value of topic 't'")
    with pytest.raises(SerdeError, match="is no value of topic 't'"):
        decoded(b"\xff", serde.utf8, "value of topic 't'")
