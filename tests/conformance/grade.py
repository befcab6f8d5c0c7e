#!/usr/bin/env python3
# ruff: noqa
# fmt: off
"""Grade a stream-processing framework against the semantic cases.

    python3 grade.py package.module:function [options]

The function (the adapter) gets one case as a dict, builds the topology, feeds
the inputs and returns the list of outputs in the order they were emitted:

    {"after_input": 3, "topic": "out", "key": "k", "value": 7, "ts": 10,
     "window": {"start": 0, "end": 10} or None, "tombstone": False}

It raises NotImplementedError where it does not support an operator.
README.md beside this file explains the cases and the comparison modes.
Needs Python 3.11 and nothing else.
"""
from __future__ import annotations

import argparse
import bisect
import contextlib
import copy
import importlib
import json
import os
import sys
from collections import namedtuple

UNLIMITED = 2 ** 63 - 1      # the end of an unlimited window; null means the same

Row = namedtuple("Row", "after step topic key value ts window")


class Malformed(Exception):
    """An output of the adapter does not have the agreed form."""


# --------------------------------------------------------------- reading rows

def canon(value):
    """A hashable form of a JSON value in which 1, "1", true and null all differ."""
    if value is None:
        return ("null",)
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, (int, float)):
        return ("number", value)
    if isinstance(value, str):
        return ("string", value)
    if isinstance(value, (list, tuple)):
        return ("list", tuple(canon(v) for v in value))
    if isinstance(value, dict):
        return ("dict", tuple(sorted((str(k), canon(v)) for k, v in value.items())))
    return ("other", type(value).__name__, repr(value))


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def read_window(window):
    """None, or (start, end)."""
    if window is None:
        return None
    if not isinstance(window, dict) or not {"start", "end"} <= window.keys():
        raise Malformed(f"window must be null or {{start, end}}, not {window!r}")
    start, end = window["start"], window["end"]
    end = UNLIMITED if end is None else end
    if not is_int(start) or not is_int(end):
        raise Malformed(f"window bounds must be integers, not {window!r}")
    return (start, end)


def read_rows(outputs, case):
    """Turn a list of outputs into rows; outputs to other topics are left out."""
    if isinstance(outputs, (str, bytes, dict)) or not hasattr(outputs, "__iter__"):
        raise Malformed(f"the adapter returned {type(outputs).__name__}, not a list")
    checkpoints = case["compare"].get("checkpoints") or []
    rows = []
    for number, out in enumerate(outputs):
        try:
            if not isinstance(out, dict):
                raise Malformed(f"must be a dict, not {type(out).__name__}")
            for field in ("after_input", "topic", "key", "value"):
                if field not in out:
                    raise Malformed(f"has no field {field!r}")
            after, ts = out["after_input"], out.get("ts")
            if not is_int(after) or not 0 <= after < len(case["inputs"]):
                raise Malformed(f"after_input must be the index of an input, not {after!r}")
            if ts is not None and not is_int(ts):
                raise Malformed(f"ts must be an integer, not {ts!r}")
            absent = out["value"] is None
            if out.get("tombstone", absent) is not absent:
                raise Malformed("tombstone must be true exactly when value is null")
            window = read_window(out.get("window"))
        except Malformed as error:
            raise Malformed(f"output {number}: {error}") from None
        if out["topic"] in case["output_topics"]:
            step = bisect.bisect_left(checkpoints, after)
            rows.append(Row(after, step, out["topic"], out["key"], out["value"], ts, window))
    return rows


# ----------------------------------------------------------------- readable text

def show_value(value):
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        return repr(value)


def show_window(window):
    if window is None:
        return ""
    return f" window [{window[0]}, {'unlimited' if window[1] == UNLIMITED else window[1]}]"


def show(row):
    if row is None:
        return "nothing"
    return (f"{row.topic}: {show_value(row.key)} = {show_value(row.value)}"
            f"{show_window(row.window)} ts {row.ts} (after input {row.after})")


def differ(what, expected, got):
    return f"{what}: expected {show(expected)}, got {show(got)}"


# ------------------------------------------------------------------- comparing

class Judge:
    """Compares the rows of one case; `strict` overrides the case's own mode."""

    def __init__(self, case, strict=False):
        compare = case["compare"]
        self.case = case
        self.mode = "sequence-per-topic" if strict else compare["mode"]
        self.exact = strict                       # compare after_input itself
        self.use_ts = strict or compare.get("timestamps_asserted", True)
        self.use_window = strict or compare.get("windows_asserted", True)

    def window(self, row):
        return row.window if self.use_window else None

    def same(self, a, b):
        return self.face(a) == self.face(b)

    def face(self, row):
        """What counts of a row, including the step in which it came."""
        return (row.after if self.exact else row.step, row.topic, canon(row.key), canon(row.value),
                row.ts if self.use_ts else None, self.window(row))

    def compare(self, expected, got):
        """None if the outputs satisfy the mode, else a text with the first difference."""
        method = getattr(self, "mode_" + self.mode.replace("-", "_"), None)
        if method is None:
            raise ValueError(f"case {self.case['id']}: unknown compare mode {self.mode!r}")
        return method(expected, got)

    # -- order counts

    def sequences(self, what, expected, got):
        for i in range(max(len(expected), len(got))):
            a = expected[i] if i < len(expected) else None
            b = got[i] if i < len(got) else None
            if a is None or b is None or not self.same(a, b):
                return differ(f"{what} {i}", a, b)
        return None

    def mode_sequence(self, expected, got):
        return self.sequences("output", expected, got)

    def mode_sequence_prefix(self, expected, got):
        n = self.case["compare"]["prefix_length"]
        return self.sequences("output", expected[:n], got[:n])

    def mode_sequence_per_topic(self, expected, got):
        for topic in self.case["output_topics"]:
            problem = self.sequences(f"output on {topic}",
                                     [r for r in expected if r.topic == topic],
                                     [r for r in got if r.topic == topic])
            if problem:
                return problem
        return None

    # -- order counts only among the rows of one key and window

    def groups(self, rows):
        found = {}
        for row in rows:
            found.setdefault((row.topic, canon(row.key), self.window(row)), []).append(row)
        return found

    def mode_sequence_per_key_and_window(self, expected, got):
        want, have = self.groups(expected), self.groups(got)
        for group in [*want, *(g for g in have if g not in want)]:
            name = (want.get(group) or have[group])[0]
            problem = self.sequences(f"key {show_value(name.key)}{show_window(name.window)}, output",
                                     want.get(group, []), have.get(group, []))
            if problem:
                return problem
        return None

    def mode_set_per_key_and_window(self, expected, got):
        want = {self.face(r) for r in expected}
        have = {self.face(r) for r in got}
        for row in expected:
            if self.face(row) not in have:
                return differ("missing output", row, None)
        for row in got:
            if self.face(row) not in want:
                return differ("output", None, row)
        return None

    # -- only what is left at certain moments counts

    def mode_last_value_per_key_at_checkpoints(self, expected, got):
        def last(rows):
            return {(r.step, r.topic, canon(r.key), self.window(r)): r for r in rows}
        want, have = last(expected), last(got)
        for place in sorted({*want, *have}, key=lambda p: p[0]):
            a, b = want.get(place), have.get(place)
            if a is None or b is None or not self.same(a, b):
                upto = self.case["compare"]["checkpoints"]
                until = f"up to input {upto[place[0]]}" if place[0] < len(upto) else "at the end"
                key = show_value((a or b).key)
                return differ(f"last output of {key} {until}", a, b)
        return None

    def state(self, expected, got, listed_only=False, live_only=False):
        compare = self.case["compare"]
        moments = sorted({row.get("at_checkpoint", 0) for row in compare["asserted_state"]})
        for moment in moments or [len(compare["checkpoints"]) - 1]:
            until = compare["checkpoints"][moment]
            have = {}
            for row in got:
                if row.after <= until:
                    have[canon(row.key), self.window(row)] = row
            want = {}
            for row in compare["asserted_state"]:
                if row.get("at_checkpoint", 0) == moment:
                    window = read_window(row.get("window")) if self.use_window else None
                    want[canon(row["key"]), window] = row
            for place, row in want.items():
                b = have.get(place)
                if b is not None and canon(b.value) == canon(row["value"]) \
                        and (not self.use_ts or b.ts == row["ts"]):
                    continue
                return (f"row {show_value(row['key'])}{show_window(place[1])} after input {until}: expected "
                        f"{show_value(row['value'])} ts {row['ts']}, got "
                        + ("no such row" if b is None else f"{show_value(b.value)} ts {b.ts}"))
            if not listed_only:
                for place, b in have.items():
                    if place not in want and not (live_only and b.value is None):
                        return (f"row {show_value(b.key)}{show_window(place[1])} after input {until}: expected "
                                f"no such row, got {show_value(b.value)} ts {b.ts}")
        return None

    def mode_final_state(self, expected, got):
        return self.state(expected, got)

    def mode_final_state_partial(self, expected, got):
        return self.state(expected, got, listed_only=True)

    def mode_final_state_live_rows(self, expected, got):
        return self.state(expected, got, live_only=True)


def moments_differ(case, expected, got):
    """True if the rows agree but some came after another input than in the case."""
    if not case["compare"]["mode"].startswith("sequence"):
        return False
    judge = Judge(case)
    judge.exact = True
    return judge.compare(expected, got) is not None


# ------------------------------------------------------------------- running

def question(case):
    """The case as the adapter sees it: without the answers."""
    hidden = ("expected", "compare", "expected_dropped")
    return copy.deepcopy({k: v for k, v in case.items() if k not in hidden})


def grade_case(case, adapter, strict=False):
    """(status, detail, moved): status is passed, failed or unsupported."""
    expected = read_rows(case["expected"], case)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            outputs = adapter(question(case))
            if hasattr(outputs, "__next__"):
                outputs = list(outputs)
    except NotImplementedError as error:
        return "unsupported", str(error) or "not implemented", False
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())
        return "failed", f"the adapter raised {type(error).__name__}: {text}", False
    try:
        got = read_rows(outputs, case)
    except Malformed as error:
        return "failed", str(error), False
    problem = Judge(case, strict).compare(expected, got)
    if problem:
        return "failed", problem, False
    return "passed", None, moments_differ(case, expected, got)


def load_adapter(name):
    module, colon, function = name.partition(":")
    if not colon or not module or not function:
        raise SystemExit(f"grade.py: the adapter must be given as module:function, not {name!r}")
    sys.path.insert(0, os.getcwd())
    target = importlib.import_module(module)
    for part in function.split("."):
        target = getattr(target, part)
    return target


def select(cases, ids, categories):
    for wanted, known, what in ((ids, {c["id"] for c in cases}, "case"),
                                (categories, {c["category"] for c in cases}, "category")):
        unknown = [w for w in wanted if w not in known]
        if unknown:
            raise SystemExit(f"grade.py: no such {what}: {', '.join(unknown)}")
    return [c for c in cases
            if (not ids or c["id"] in ids) and (not categories or c["category"] in categories)]


def main(argv=None):
    parser = argparse.ArgumentParser(
        prog="grade.py", description="Grade an adapter against the semantic cases.")
    parser.add_argument("adapter", help="module:function, called with one case, returns its outputs")
    parser.add_argument("--cases", metavar="FILE", help="the cases (default: cases.json beside this script)",
                        default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json"))
    parser.add_argument("--case", metavar="ID", action="append", default=[], help="only this case (repeatable)")
    parser.add_argument("--category", metavar="C", action="append", default=[],
                        help="only this category (repeatable)")
    parser.add_argument("--strict", action="store_true",
                        help="compare every output in full, in order, each after its very input")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("-v", "--verbose", action="store_true", help="print passing and skipped cases too")
    args = parser.parse_args(argv)

    with open(args.cases, encoding="utf-8") as file:
        cases = select(json.load(file), args.case, args.category)
    adapter = load_adapter(args.adapter)

    results, table = [], {}
    count = {"passed": 0, "failed": 0, "unsupported": 0}
    for case in cases:
        status, detail, moved = grade_case(case, adapter, args.strict)
        results.append({"id": case["id"], "category": case["category"], "status": status,
                        "detail": detail, "moments_differ": moved})
        count[status] += 1
        table.setdefault(case["category"], dict.fromkeys(count, 0))[status] += 1
        if args.json:
            continue
        if status == "failed":
            print(f"FAIL {case['id']}: {detail}")
        elif args.verbose:
            print(f"SKIP {case['id']}: {detail}" if status == "unsupported" else f"ok   {case['id']}")
    done = bool(cases) and count["passed"] == len(cases)

    if args.json:
        print(json.dumps({"adapter": args.adapter, "strict": args.strict, "passed": count["passed"],
                          "failed": count["failed"], "skipped": count["unsupported"],
                          "categories": table, "cases": results}, indent=1, ensure_ascii=False))
        return 0 if done else 1

    width = max([len("category"), *map(len, table)])
    print(f"\n{'category':<{width}}  passed  failed  unsupported")
    for category, row in table.items():
        print(f"{category:<{width}}  {row['passed']:>6}  {row['failed']:>6}  {row['unsupported']:>11}")
    moved = [r["id"] for r in results if r["moments_differ"]]
    if moved:
        print(f"\nnote: {len(moved)} passed with an output that came after another input than in the case "
              f"(see --strict): {', '.join(moved)}")
    print(f"\n{count['passed']} passed, {count['failed']} failed, {count['unsupported']} skipped")
    return 0 if done else 1


if __name__ == "__main__":
    sys.exit(main())
