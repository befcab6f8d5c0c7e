"""What cases may need and the framework does not have yet; a line goes when the operator comes.

Tests hold the list to the truth: a case that needs one of these must raise ``NotImplementedError``, every other case
must pass.
"""

from __future__ import annotations

NOT_IMPLEMENTED: dict[str, str] = {
    "stream_stream_join": "joins of two streams",
    "foreign_key_join": "foreign-key joins",
    "global_table": "global tables",
    "stream_global_table_join": "global tables",
    "stream_table_join:grace": "versioned stores",
    "table:versioned": "versioned stores",
    "transform_values": "the processor API",
    "processor": "the processor API",
    "cogroup": "cogroup",
    "suppress": "suppress",
    "window:sliding": "sliding windows",
    "window:session": "session windows",
    "window:on_close": "emission on close",
    "config:emit_interval_ms": "emission on close",
}
