"""A byte of any file flipped, any file missing, a directory copied while it is written to: healed, or reported with the
file's name, and never served as data.

A sample; ``python -m tests.simulation.damage`` flips every byte of every file.
"""

from __future__ import annotations

import random

import pytest

from broker_core.errors import StorageError
from broker_core.memory_filesystem import MemoryFilesystem
from tests.simulation.damage import main
from tests.simulation.damage_world import (
    CONFIG,
    ENDINGS,
    KINDS,
    WORDS,
    check_flipped,
    check_missing,
    of_kind,
    paths,
    reopened,
    served,
    written,
)
from tests.unit.broker_core.broker_kit import Kit

SAMPLES = 25
COPIES = 40


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_byte_is_healed_or_reported(kind: str, ending: str) -> None:
    world = written(ending)
    generator = random.Random(f"{kind} {ending}")
    places = [(path, position) for path in of_kind(world, kind) for position in range(len(world.files[path]))]
    assert places or ending != "closed"
    for path, position in generator.sample(places, min(SAMPLES, len(places))):
        check_flipped(world, path, position, generator.randrange(8))


def test_every_kind_of_file_is_looked_at() -> None:
    for path in written("closed").files:
        assert path.endswith((*KINDS, "clean-shutdown")), path


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_missing_file_is_healed_or_reported(ending: str) -> None:
    world = written(ending)
    for path in world.files:
        check_missing(world, path)


def test_the_command_counts_and_says_how_to_look_at_a_place_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--ending", "closed", "--kind", "format-version"]) == 0
    told = capsys.readouterr().out
    assert "closed" in told and "0 served as data" in told

    def serve(*_: object) -> str:
        raise AssertionError("other data")

    monkeypatch.setattr("tests.simulation.damage.check_flipped", serve)
    assert main(["--ending", "closed", "--kind", "format-version"]) == 1
    told = capsys.readouterr().out
    assert "python -m tests.simulation.damage --ending closed --kind format-version --position 0 --bit" in told


@pytest.mark.parametrize("seed", range(COPIES))
def test_a_directory_copied_while_it_is_written_to_serves_only_what_was_written(seed: int) -> None:
    """File after file in any order, with writes in between: as a backup tool does that knows nothing of us."""
    generator = random.Random(seed)
    kit = Kit(config=CONFIG).open()
    kit.create("words", partitions=2, preallocate=("false", "true")[seed % 2])
    sent: dict[int, list[str]] = {0: [], 1: []}

    def work() -> None:
        for _ in range(generator.randrange(6)):
            index = generator.randrange(2)
            sent[index].append(f"{index}: {len(sent[index])} " + "x" * generator.randrange(80))
            assert kit.produce("words", sent[index][-1], partition=index).error_code == 0
        kit.tick(generator.choice([0, 70_000]))
        kit.sync_all()

    for _ in range(4):
        work()
    copy = MemoryFilesystem()
    names = paths(kit.filesystem)
    generator.shuffle(names)
    for path in names:
        if kit.filesystem.exists(path):
            copy.make_directory(path.rpartition("/")[0])
            copy.replace_file(path, kit.filesystem.read_file(path))
        work()
    again = reopened(kit.now_ms, copy)
    if isinstance(again, StorageError):
        assert "logs/words-" in str(again), again
        return
    for partition in WORDS:
        values = served(again, partition)
        log = again.broker._partitions.logs[partition]
        first = log.start_offset
        assert values == sent[partition.partition][first : first + len(values)]
