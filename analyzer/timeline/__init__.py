"""Events of the dissectors → rows of the tables: sessions, waits, endings, idle timers, sizes. See `timeline`."""

from analyzer.timeline.facts import CaptureFacts
from analyzer.timeline.timeline import Timeline

__all__ = ["CaptureFacts", "Timeline"]
