"""Task ids print and parse as Kafka Streams writes them."""

from __future__ import annotations

import pytest

from state.model import TaskId


def test_a_task_id_is_its_text_and_back() -> None:
    assert str(TaskId(0, 13)) == "0_13"
    assert TaskId.parse("0_13") == TaskId(0, 13)


@pytest.mark.parametrize("text", ["", "0", "0_", "_1", "a_1", "0_-1", "0_1.corrupt-1", "0_1_2"])
def test_anything_else_is_no_task_id(text: str) -> None:
    with pytest.raises(ValueError, match="no task id"):
        TaskId.parse(text)
