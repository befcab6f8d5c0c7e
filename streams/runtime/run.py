"""Running an application from its declaration: settings in, metrics out; for ``App.run`` and the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

from streams.errors import ProcessingError
from streams.ports import Observer
from streams.runtime.application import Application
from streams.runtime.metrics import WorkerMetrics
from streams.runtime.supervisor import Supervisor, stop_on_signals
from streams.topology.describe import has_no_effect
from streams.topology.nodes import Branch


def run_app(
    app: Application,
    *,
    until_end: bool,
    overrides: Mapping[str, Any] | None = None,
    accept: bool = False,
    cache: bool = True,
    quiet: bool = False,
    own_process: bool = False,
    observer: Observer | None = None,
    on_signal: Callable[[int], None] | None = None,
) -> WorkerMetrics:
    """Run until Ctrl-C, SIGTERM, the end of the input or a failure; returns the final metrics.

    Arguments:
        overrides: settings over those of the code and the environment.
        accept: let go of state that the topology no longer has.
        cache: whether record caches are used.
        quiet: no live line.
        own_process: this process exists for this run, so its garbage collector may be tuned.
        on_signal: told the number of the signal that stopped the run, if one did.
    """
    config = app.config(overrides or {})
    supervisor = Supervisor(
        app.topology(overrides),
        config,
        app.feeds,
        observer=observer,
        console=None if quiet else Console(stderr=True),
    )
    for subtopology in supervisor.topology.subtopologies:
        for node in subtopology.nodes:
            if has_no_effect(subtopology, node) and not isinstance(node, Branch):  # to drop a branch is a way to filter
                supervisor.say(
                    f"what {node.name} ({node.location}) makes goes nowhere: no to() and no for_each() follows"
                )
    app.running = supervisor
    try:
        with stop_on_signals(supervisor, on_signal):
            app.last_metrics = supervisor.run(until_end=until_end, accept=accept, cache=cache, tune=own_process)
            return app.last_metrics
    except ProcessingError as error:
        raise error.with_traceback(None) from error.__cause__  # the cause's traceback is the user's; ours would bury it
    finally:
        app.running = None
