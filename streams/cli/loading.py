"""Finding what a command works on: the application in a file, or the log in a directory or at a broker."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from streams.app import App, imported_by
from streams.config import StreamsConfig
from streams.errors import ConfigError, StreamsError

DEFAULT_ROOT = Path(".streams")
BROKER_VARIABLE = "STREAMS_BROKER"

AppFile = Annotated[
    str, typer.Argument(metavar="FILE[:NAME]", help="The application's file; NAME where it has several.")
]
BrokerOption = Annotated[
    str | None,
    typer.Option(
        "--broker", metavar="HOST:PORT", help="Address of a cluster, ours or Apache Kafka.", envvar=BROKER_VARIABLE
    ),
]
DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", metavar="DIR", help="Data directory of an embedded log.")
]
TopicName = Annotated[str, typer.Argument(metavar="TOPIC", help="Name of the topic.")]
AppOption = Annotated[
    str | None, typer.Option("--app", metavar="ID", help="Application id; its log is in .streams/<id>.")
]


def load_app(target: str) -> App:
    """Import an application's file and return the ``App`` in it.

    Raises:
        ConfigError: no such file, it cannot be imported (``__cause__`` is the file's own exception), no application in
            it, or several and none named.
    """
    path_text, _, name = target.partition(":")
    path = Path(path_text).resolve()
    if not path.is_file():
        raise ConfigError(f"there is no file {path_text!r}; give the Python file that makes the App")
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{path_text!r} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    importing = imported_by.set("the command 'streams'")
    try:
        spec.loader.exec_module(module)
    except StreamsError:
        raise  # it names the line itself
    except Exception as error:
        raise ConfigError(
            f"{path_text} cannot be imported: {type(error).__name__}: {error}. Correct it; nothing has been started"
        ) from error
    finally:
        imported_by.reset(importing)
    found = {key: value for key, value in vars(module).items() if isinstance(value, App)}
    if name:
        if name not in found:
            raise ConfigError(f"{path_text} has no App named {name!r}; it has: {', '.join(found) or 'none'}")
        return found[name]
    distinct = {id(value): key for key, value in found.items()}
    if len(distinct) != 1:
        known = ", ".join(distinct.values())
        raise ConfigError(
            f"{path_text} has several applications ({known}); say which: {path_text}:{next(iter(distinct.values()))}"
            if distinct
            else f"{path_text} makes no App; it needs a line such as app = App('my-application')"
        )
    return next(iter(found.values()))


def log_config(
    broker: str | None, data_dir: Path | None, app_id: str | None, *, make: bool = False
) -> StreamsConfig:  # fmt: skip
    """Settings of a command that works on a log without an application.

    Without any option the log is the only one below ``.streams``.

    Arguments:
        make: whether the command may make a log where an option names one that is not there.

    Raises:
        ConfigError: no log there, or several and none named.
    """
    broker = broker or os.environ.get(BROKER_VARIABLE)  # the commands' functions are called from Python, too
    if broker is None:
        if data_dir is None:
            data_dir = DEFAULT_ROOT / app_id if app_id else _only_directory()
        if not data_dir.is_dir() and not make:  # a mistyped name is not to become a second, empty log
            raise ConfigError(
                f"there is no embedded log in {data_dir}; 'streams run FILE --until-end' makes it with the "
                "application's topics, and 'streams topics create NAME' with one topic; or give another --app or "
                "--data-dir"
            )
    return StreamsConfig(application_id="streams-cli", data_dir=str(data_dir or DEFAULT_ROOT), broker=broker)


def _only_directory() -> Path:
    found = sorted(path for path in DEFAULT_ROOT.glob("*") if path.is_dir()) if DEFAULT_ROOT.is_dir() else []
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found)
    raise ConfigError(
        f"several applications have a log below {DEFAULT_ROOT} ({names}); say which with --app"
        if found
        else "no embedded log here; give --app, --data-dir or --broker"
    )
