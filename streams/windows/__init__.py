"""Which windows there are and when they close: pure arithmetic, no store, no clock."""

from streams.windows.time_windows import MAX_END, TimeWindows, UnlimitedWindows, Windows

__all__ = ["MAX_END", "TimeWindows", "UnlimitedWindows", "Windows"]
