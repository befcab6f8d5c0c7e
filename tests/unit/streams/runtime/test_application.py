"""``App`` is what the runtime calls an application."""

from __future__ import annotations

from streams import App
from streams.runtime.application import Application


def settings_of(application: Application) -> str:
    return application.config({"data_dir": "here"}).data_dir


def test_an_app_is_one() -> None:
    """mypy holds the types; here that nothing needs to run for it."""
    app = App("words")
    app.stream("lines", key=str, value=str).to("out")
    application: Application = app
    assert settings_of(application) == "here"
    assert application.running is None
    assert application.feeds == ()
    assert [sub.id for sub in application.topology().subtopologies] == [0]
    key, value = application.topic_serdes("lines")
    assert key is not None and value is not None
    assert (key.id, value.id) == ("utf8", "utf8")
