"""What is known about a capture file as a whole, beside the events in it. Filled in by whoever read the file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureFacts:
    """One capture file. `Connection.capture` and `Anomaly.capture` are positions in the sequence of these."""

    name: str  # as the user gave it; "-" is standard input
    engine: str  # "builtin", "tshark" or "both"
    frames: int
    bytes: int  # of the content, after decompression
    start_ns: int | None  # first frame; None: there is none
    end_ns: int | None  # last frame
    link_types: tuple[str, ...] = ()  # by name
    secrets: int = 0  # key log lines embedded in the file
    truncated_frames: int = 0  # cut by the snap length
    missing_bytes: int | None = None  # None: added up from the connections
    opened_by_tshark: int = 0  # connections that only tshark could open, where both engines read the file
    complete: bool = True  # False: the file breaks off
