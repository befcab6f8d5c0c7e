"""For tests of applications: ``TopologyTestDriver`` and ``ManualClock``."""

from streams.testing.clock import ManualClock, Point
from streams.testing.driver import TopologyTestDriver

__all__ = ["ManualClock", "Point", "TopologyTestDriver"]
