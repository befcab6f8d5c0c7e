"""Topics at start: look up what is there, create what the application owns, refuse what does not fit.

The arithmetic is ``runtime.plan``'s; this module only asks the broker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from streams.client.admin import Admin, NewTopic
from streams.errors import ConfigError, UnknownTopic
from streams.runtime.activity import Activity, wait
from streams.runtime.plan import partition_counts
from streams.topology.compile import TABLE_CONFIGS, CompiledTopology, InternalTopic

RETENTION: Final = "retention.ms"


def prepare_topics(
    topology: CompiledTopology, admin: Admin, *, fed_topics: Iterable[str] = (), create_with: int | None
) -> Activity[dict[str, int]]:
    """Make sure that every topic is there; returns partition counts of all of them.

    Arguments:
        fed_topics: topics that a feed writes to.
        create_with: partitions for missing topics of the user's (the embedded log); None refuses them instead, as
            Kafka Streams does.

    Raises:
        UnknownTopic: a source or sink topic is missing.
        ConfigError: an internal one has another number of partitions, or a topic
            that a table is read from loses rows by age.
    """
    external = list(dict.fromkeys([*topology.external_topics, *topology.output_topics, *fed_topics]))
    internal = {topic.name: topic for topic in topology.internal_topics}
    found = yield from wait(admin.describe_topics([*external, *internal]))
    existing = {name: description.partitions for name, description in found.items()}
    missing = [name for name in external if name not in existing]
    if missing and create_with is None:
        named = ", ".join(map(repr, missing))
        raise UnknownTopic(
            f"the broker has no topic {named}; create {'it' if len(missing) == 1 else 'them'} first, for example with "
            f"'streams topics create {missing[0]} --broker ...' (internal topics are created by the application itself)"
        )
    if missing:
        assert create_with is not None
        new = {
            name: NewTopic(partitions=create_with, configs=dict(TABLE_CONFIGS if name in topology.table_topics else {}))
            for name in missing
        }
        yield from wait(admin.create_topics(new))
        existing.update(dict.fromkeys(missing, create_with))
    yield from _check_table_topics(admin, [name for name in topology.table_topics if name not in missing])
    counts = partition_counts(topology, existing)
    to_create = {
        name: NewTopic(partitions=counts[name], configs=dict(topic.configs))
        for name, topic in internal.items()
        if name not in existing
    }
    if to_create:
        yield from wait(admin.create_topics(to_create))
    yield from _follow_retention(admin, [topic for name, topic in internal.items() if name not in to_create])
    return counts


def _follow_retention(admin: Admin, topics: Iterable[InternalTopic]) -> Activity[None]:
    """A window's changelog that was made for another retention would lose rows too early, or keep too many."""
    wanted = {topic.name: topic.configs for topic in topics if topic.kind == "changelog" and RETENTION in topic.configs}
    found = yield from wait(admin.describe_configs(list(wanted)))
    for name, configs in wanted.items():
        if found.get(name, {}).get(RETENTION) != configs[RETENTION]:
            yield from wait(admin.alter_configs(name, {RETENTION: configs[RETENTION]}))


def _check_table_topics(admin: Admin, topics: list[str]) -> Activity[None]:
    """A topic with the ``delete`` policy loses rows by age or size, unless it keeps everything."""
    found = yield from wait(admin.describe_configs(topics))
    for topic in topics:
        configs = found.get(topic, {})
        policy = configs.get("cleanup.policy") or ""
        keeps_all = configs.get("retention.ms") == configs.get("retention.bytes") == "-1"
        if "delete" in policy.split(",") and not keeps_all:
            raise ConfigError(
                f"topic {topic!r} is read as a table, but its cleanup.policy is {policy!r}: rows that are older than "
                "its retention are lost. Set cleanup.policy=compact on it, or make it anew with 'streams topics create "
                f"{topic} --config cleanup.policy=compact'; or read it as a stream: app.stream(...).to_table()"
            )


def learn_topics(admin: Admin, names: Iterable[str], *, create_with: int | None) -> Activity[Mapping[str, int]]:
    """Partition counts of topics that a sink's function named; created or refused as in ``prepare_topics``."""
    wanted = list(dict.fromkeys(names))
    found = yield from wait(admin.describe_topics(wanted))
    counts = {name: description.partitions for name, description in found.items()}
    missing = [name for name in wanted if name not in counts]
    if missing and create_with is None:
        raise UnknownTopic(
            f"a sink's function named topic {missing[0]!r}, which the broker does not have; create it first"
        )
    if missing:
        assert create_with is not None
        yield from wait(admin.create_topics({name: NewTopic(partitions=create_with) for name in missing}))
        counts.update(dict.fromkeys(missing, create_with))
    return counts
