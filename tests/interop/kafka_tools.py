"""Apache Kafka's own tools, where they can run: found, started, and their complaints read.

``STREAMS_KAFKA_SCRIPT`` names the script that starts them; without it ``../shared/apache-kafka/kafka`` beside the
repository is used if it exists. Tests that need it are skipped, with the reason, where it or Java is missing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent.parent
COMPLAINTS = re.compile(
    r"mismatch|\d is followed by|out of order|isvalid: false|exception|error|corrupt|invalid|not found|unrecognized",
    re.IGNORECASE,
)
"""What kafka-dump-log writes when it does not like a file."""


def find_script() -> Path:
    """The script. Raises ``FileNotFoundError`` where there is none, or nothing to run it with; says what is missing."""
    named = os.environ.get("STREAMS_KAFKA_SCRIPT")
    candidates = [Path(named)] if named else [parent / "shared/apache-kafka/kafka" for parent in REPOSITORY.parents[:3]]
    script = next((candidate for candidate in candidates if candidate.is_file()), None)
    if script is None:
        raise FileNotFoundError(f"no script for Kafka's tools at {candidates[0]}: set STREAMS_KAFKA_SCRIPT")
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise FileNotFoundError(f"Kafka's tools need {program}")
    return script


def kafka_script() -> Path:
    """The script; skips the test that asks where it cannot run."""
    try:
        return find_script()
    except FileNotFoundError as error:
        pytest.skip(str(error))


def dump_log(files: list[Path], *options: str) -> str:
    """What ``kafka-dump-log`` prints for ``files``."""
    names = ",".join(str(file) for file in files)
    command = [str(kafka_script()), "dump-log", "--files", names, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def complaints(output: str, *, gaps: bool = False) -> list[str]:
    """Lines of ``output`` that complain.

    Arguments:
        gaps: the log is compacted: that offsets do not follow each other is no complaint then. (That "-1 is followed
            by" the first offset of every file but the first, the tool says of Kafka's own logs too.)
    """
    found = [line.strip() for line in output.splitlines() if COMPLAINTS.search(line)]
    return [line for line in found if " is followed by " not in line or not (gaps or line.startswith("-1 "))]


def files_of(directory: Path) -> list[Path]:
    """Every file of one log that the tool knows."""
    suffixes = {".log", ".index", ".timeindex", ".txnindex", ".snapshot"}
    return sorted(path for path in directory.iterdir() if path.suffix in suffixes)


def run_tool(name: str, *arguments: str, code: int | None = 0) -> str:
    """What one of Kafka's tools prints; fails unless it ends with ``code`` (None for any)."""
    command = [str(kafka_script()), name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert code is None or done.returncode == code, (
        f"{name} {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    )
    return done.stdout + done.stderr


if __name__ == "__main__":  # for .ci/run: 0 where they can run
    try:
        print(f"tests against Apache Kafka run with {find_script()}")
    except FileNotFoundError as error:
        sys.exit(f"tests against Apache Kafka are LEFT OUT: {error}")
