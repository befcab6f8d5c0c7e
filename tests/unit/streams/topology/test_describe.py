"""Descriptions show every node, edge, store and topic."""

from __future__ import annotations

import json
import re

from streams import App
from streams.topology.compile import CompiledTopology
from streams.topology.describe import describe_json, describe_mermaid, describe_text


def topology() -> CompiledTopology:
    app = App("app")
    lines = app.stream("lines", key=str, value=str)
    lines.group_by(str.lower, name="lower").count(store="counts").to_stream().to("out")
    lines.to(lambda line: line)
    return app.topology()


def test_text() -> None:
    assert re.sub(r"test_describe\.py:\d+", "HERE", describe_text(topology())) == (
        """\
Application app

Sub-topology 0, reads lines
  source lines-source (topics lines: utf8 -> utf8; HERE)
    --> lines-group-by, lines-sink
  select_key lines-group-by (str.lower(value); HERE)
    --> lower-repartition-sink
  sink lower-repartition-sink (topic app-lower-repartition: utf8 -> utf8; HERE)
  sink lines-sink (topic chosen by topology.<locals>.<lambda>: utf8 -> utf8; HERE)

Sub-topology 1, reads app-lower-repartition
  source lower-repartition-source (topics app-lower-repartition: utf8 -> utf8; HERE)
    --> counts
  count counts (store counts: utf8 -> json:int; HERE)
    --> counts-to-stream
  to_stream counts-to-stream (HERE)
    --> out-sink
  sink out-sink (topic out: utf8 -> json:int; HERE)

Internal topics
  app-lower-repartition (repartition, as many partitions as its input, delete)
  app-counts-changelog (changelog, as many partitions as its input, compact)
"""
    )


def test_json_has_everything() -> None:
    found = json.loads(describe_json(topology()))
    assert [sub["id"] for sub in found["subtopologies"]] == [0, 1]
    nodes = {node["name"]: node for sub in found["subtopologies"] for node in sub["nodes"]}
    assert nodes["lines-source"]["children"] == ["lines-group-by", "lines-sink"]
    assert nodes["lines-group-by"]["functions"] == ["str.lower"]
    assert nodes["counts"]["store"] == "counts"
    assert found["stores"]["counts"] == {
        "kind": "key_value",
        "subtopology": 1,
        "key": "utf8",
        "value": "json:int",
        "changelog_topic": "app-counts-changelog",
        "source_topic": None,
    }
    assert found["external_topics"] == ["lines"]
    assert found["output_topics"] == ["out"]


def test_mermaid_names_every_node_and_draws_every_edge() -> None:
    text = describe_mermaid(topology())
    assert text.startswith("flowchart TD\n")
    names = dict(re.findall(r'(\w+)(?:\[|\[\(|\[/)"([^"]+)"', text))
    edges = {(names[a], names[b]) for a, b in re.findall(r"^  (\w+) -->? ?(\w+)$", text, re.M)}
    assert ("lines", "source lines-source") in edges
    assert ("source lines-source", "select_key lines-group-by") in edges
    assert ("sink lower-repartition-sink", "app-lower-repartition") in edges
    assert ("app-lower-repartition", "source lower-repartition-source") in edges
    assert text.count("subgraph") == text.count("\n  end\n") == 2
    assert "&lt;lambda&gt;" in text, "mermaid would read <lambda> as HTML"
