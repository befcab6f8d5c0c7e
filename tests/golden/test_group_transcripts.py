"""Scenarios of groups as readable transcripts: commands, and below each what the broker wrote and answered.

``groups/*.txt`` are reviewed as diffs; ``UPDATE_GOLDEN=1`` writes them anew. A command is a line, its outcome the lines
below ``----``: records of ``__consumer_offsets``, answers, and the group's state where it changed. Member ids are
numbered as they are given out: ``a#1`` is the first one of ``a``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from broker_core.errors import ErrorCode
from broker_core.group.membership import read_group_key, read_group_value
from broker_core.group.records import read_key, read_value
from broker_core.protocol.batch import decode_batch, read_header
from broker_core.protocol.list_groups import ListGroupsRequest
from tests.unit.broker_core.coordinator_world import OFFSETS, A, commit_request
from tests.unit.broker_core.group.group_world import Answer, GroupWorld, subscription

FOLDER = Path(__file__).parent / "groups"
_MEMBER_ID = re.compile(r"([\w*]+)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Script:
    """Runs commands against a world and tells what happened."""

    def __init__(self) -> None:
        self.world = GroupWorld()
        self.ids: dict[str, str] = {}
        self.seen = 0
        self.state = "Dead"

    def run(self, command: str) -> list[str]:
        verb, *words = command.split()
        method: Callable[..., list[str]] = getattr(self, f"do_{verb}")
        before = set(self.world.waiting)
        flags = dict(word.split("=", 1) for word in words if "=" in word)
        told = method(*(word for word in words if "=" not in word), **flags)
        waits = [
            f"{self.world.waiting[token].name} {self.world.waiting[token].kind}: waits"
            for token in sorted(set(self.world.waiting) - before)
        ]
        answers = [self.answer(each) for each in self.world.take()]
        lines = [*self.appended(), *told, *answers, *waits, *self.changed_state()]
        return [self.readable(line) for line in lines]

    def readable(self, text: str) -> str:
        def number(match: re.Match[str]) -> str:
            name = match[1]
            count = sum(known.startswith(f"{name}#") for known in self.ids.values())
            return self.ids.setdefault(match[0], f"{name}#{count + 1}")

        return _MEMBER_ID.sub(number, text)

    def changed_state(self) -> Iterator[str]:
        group = self.world.coordinator.groups.find("g")
        state = "Dead" if group is None else group.state.value
        if state != self.state:
            yield f"-> {state}"
            self.state = state

    def appended(self) -> Iterator[str]:
        batches = self.world.logs.logs[OFFSETS].batches
        for batch in batches[self.seen :]:
            columns = decode_batch(batch)
            for index, (key, value) in enumerate(zip(columns.keys, columns.values, strict=True)):
                assert key is not None
                yield f"@{read_header(batch).base_offset + index} {self.record(key, value)}"
        self.seen = len(batches)

    def record(self, key: bytes, value: bytes | None) -> str:
        group_id = read_group_key(key)
        if group_id is None:
            where = read_key(key)
            assert where is not None
            return f"{where[0]} {where[1]}: {'tombstone' if value is None else read_value(value, 0).offset}"
        if value is None:
            return f"{group_id}: tombstone"
        found = read_group_value(value)
        if not found.members:
            return f"{group_id}: generation {found.generation}, no members"
        members = " ".join(f"{each.member_id}={each.assignment.decode() or '-'}" for each in found.members)
        return f"{group_id}: generation {found.generation} {found.protocol}, leader {found.leader}: {members}"

    def answer(self, answer: Answer) -> str:
        body, text = answer.body, f"{answer.name} {answer.kind}: "
        if answer.kind == "commit":
            return text + ErrorCode(body.topics[0].partitions[0].error_code).name
        text += answer.code.name
        if answer.kind == "join" and answer.code is ErrorCode.MEMBER_ID_REQUIRED:
            text += f", use {body.member_id}"
        if answer.kind == "join" and answer.code is ErrorCode.NONE:
            text += f" {body.member_id}, generation {body.generation_id} {body.protocol_name}, leader {body.leader}"
            if body.members:
                text += f", members {' '.join(each.member_id for each in body.members)}"
            if body.skip_assignment:
                text += ", skips the assignment"
        if answer.kind == "sync" and answer.code is ErrorCode.NONE:
            text += f" {body.assignment.decode() or '-'}"
        if answer.kind == "leave" and answer.code is ErrorCode.NONE:
            text += "".join(
                f", {each.member_id or each.group_instance_id} {ErrorCode(each.error_code).name}"
                for each in body.members
            )
        return text

    # Commands. A client is called by a name; ``a`` and ``a*`` are two processes of one application.

    def do_settings(self, **settings: str) -> list[str]:
        self.world = GroupWorld(**{name: int(value) for name, value in settings.items()})
        return []

    def do_join(
        self, name: str, static: str | None = None, protocols: str = "range", owns: str = "", v: str = "9",
        session: str = "10000", rebalance: str = "60000", rounds: str = "2", kind: str = "consumer",
    ) -> list[str]:  # fmt: skip
        metadata = subscription("out") + owns.encode()
        self.world.join(
            name,
            int(v),
            rounds=int(rounds),
            instance=static,
            protocols=dict.fromkeys(protocols.split(","), metadata),
            session_ms=int(session),
            rebalance_ms=int(rebalance),
            kind=kind,
        )
        return []

    def do_forget(self, name: str) -> list[str]:
        """A client gives up its member id, as after UNKNOWN_MEMBER_ID."""
        self.world.who(name).member_id = ""
        return []

    def do_sync(self, name: str, **assignments: str) -> list[str]:
        self.world.sync_group(name, {member: each.encode() for member, each in assignments.items()})
        return []

    def do_heartbeat(self, name: str) -> list[str]:
        self.world.heartbeat(name)
        return []

    def do_leave(self, *names: str) -> list[str]:
        self.world.leave(*names)
        return []

    def do_remove(self, *instances: str) -> list[str]:
        self.world.remove(*instances)
        return []

    def do_commit(self, name: str, offset: str) -> list[str]:
        """For out-0; ``-`` commits as an administrator does."""
        someone = self.world.who(name)
        member: dict[str, Any] = {} if name == "-" else {"generation": someone.generation, "member": someone.member_id}
        body = replace(commit_request({A: int(offset)}, **member), group_instance_id=someone.instance_id)
        self.world.send(name, "commit", body, 9)
        return []

    def do_offset(self) -> list[str]:
        return [f"committed: {self.world.fetch(A)[A]}"]

    def do_describe(self) -> list[str]:
        group = self.world.described
        members = [
            f"  {each.member_id} {each.group_instance_id or '(dynamic)'} {each.client_host} "
            f"{each.member_assignment.decode() or '-'}"
            for each in group.members
        ]
        return [f"{group.group_state} {group.protocol_type} {group.protocol_data or '-'}", *members]

    def do_list(self) -> list[str]:
        groups: Any = self.world.ask(ListGroupsRequest(), 5).groups
        return [f"{each.group_id} {each.protocol_type} {each.group_state}" for each in groups] or ["no groups"]

    def do_disk(self) -> list[str]:
        """What was written is synced."""
        self.world.settle()
        return []

    def do_tick(self, passed_ms: str) -> list[str]:
        self.world.tick(int(passed_ms))
        return []

    def do_power(self, failure: str) -> list[str]:
        """``power failure``: what is not synced is lost; a new broker starts."""
        lost = len(self.world.logs.logs[OFFSETS].batches)
        self.world.crash()
        self.world.waiting.clear()
        self.seen = len(self.world.logs.logs[OFFSETS].batches)
        return [f"{lost - self.seen} batches lost"]


def played(text: str) -> str:
    script = Script()
    out = []
    for block in text.strip().split("\n\n"):
        comments = [line for line in block.splitlines() if line.startswith("#")]
        commands = [line for line in block.split("\n----")[0].splitlines() if not line.startswith("#")]
        if not commands:
            out.append("\n".join(comments))
            continue
        told = [line for command in commands for line in script.run(command)]
        out.append("\n".join([*comments, *commands, "----", *(told or ["nothing"])]))
    return "\n\n".join(out) + "\n"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_transcript(path: Path) -> None:
    expected = path.read_text()
    found = played(expected)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(found)
    else:
        assert found == expected


def test_there_are_transcripts() -> None:
    assert len(list(FOLDER.glob("*.txt"))) >= 15
