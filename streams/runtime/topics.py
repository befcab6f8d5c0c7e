"""Topics at start: look up what is there, create what the application owns, refuse what does not fit.

The arithmetic is ``runtime.plan``'s; this module only asks the broker.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.client.admin import Admin, NewTopic
from streams.errors import ConfigError
from streams.runtime.activity import Activity, wait
from streams.runtime.plan import partition_counts
from streams.topology.compile import CompiledTopology


def prepare_topics(
    topology: CompiledTopology, admin: Admin, *, fed_topics: Iterable[str] = (), create_with: int | None
) -> Activity[dict[str, int]]:
    """Make sure that every topic is there; returns partition counts of all of them.

    Arguments:
        fed_topics: topics that a feed writes to.
        create_with: partitions for missing topics of the user's (the embedded log); None refuses them instead, as
            Kafka Streams does.

    Raises:
        ConfigError: a source or sink topic is missing, or an internal one has another number of partitions.
    """
    external = list(dict.fromkeys([*topology.external_topics, *topology.output_topics, *fed_topics]))
    internal = {topic.name: topic for topic in topology.internal_topics}
    found = yield from wait(admin.describe_topics([*external, *internal]))
    existing = {name: description.partitions for name, description in found.items()}
    missing = [name for name in external if name not in existing]
    if missing and create_with is None:
        raise ConfigError(
            f"the broker has no topic {missing[0]!r}; create it first, for example with "
            f"'streams topics create {missing[0]}' (internal topics are created by the application itself)"
        )
    if missing:
        assert create_with is not None
        yield from wait(admin.create_topics({name: NewTopic(partitions=create_with) for name in missing}))
        existing.update(dict.fromkeys(missing, create_with))
    counts = partition_counts(topology, existing)
    to_create = {
        name: NewTopic(partitions=counts[name], configs=dict(topic.configs))
        for name, topic in internal.items()
        if name not in existing
    }
    if to_create:
        yield from wait(admin.create_topics(to_create))
    return counts


def learn_topics(admin: Admin, names: Iterable[str], *, create_with: int | None) -> Activity[Mapping[str, int]]:
    """Partition counts of topics that a sink's function named; created or refused as in ``prepare_topics``."""
    wanted = list(dict.fromkeys(names))
    found = yield from wait(admin.describe_topics(wanted))
    counts = {name: description.partitions for name, description in found.items()}
    missing = [name for name in wanted if name not in counts]
    if missing and create_with is None:
        raise ConfigError(
            f"a sink's function named topic {missing[0]!r}, which the broker does not have; create it first"
        )
    if missing:
        assert create_with is not None
        yield from wait(admin.create_topics({name: NewTopic(partitions=create_with) for name in missing}))
        counts.update(dict.fromkeys(missing, create_with))
    return counts
