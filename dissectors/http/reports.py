"""What was odd on one connection: anomalies in bounded number."""

from typing import Final

from dissectors.events import Anomaly

MAX_SAME_ANOMALIES: Final = 4  # of one code on one connection

_ONCE: Final = frozenset(  # a habit of one end or a state of the connection, not an event
    (
        *("http_bare_lf", "http_obs_fold", "http_bad_target", "http_bad_start_line"),
        *("http2_unknown_fields", "http2_bad_field", "http2_push", "http2_rapid_reset", "http2_too_many_streams"),
    )
)


class Reports:
    """The anomalies of one connection."""

    __slots__ = ("_connection_id", "_counts", "anomalies")

    def __init__(self, connection_id: int) -> None:
        self.anomalies: list[Anomaly] = []  # drained by the caller
        self._connection_id = connection_id
        self._counts: dict[str, int] | None = None  # how often each code was met

    def say(self, code: str, detail: str, frame: int, time_ns: int) -> None:
        """Notes an anomaly, unless it was said often enough."""
        if self._counts is None:
            self._counts = {}
        times = self._counts[code] = self._counts.get(code, 0) + 1
        if times <= (1 if code in _ONCE else MAX_SAME_ANOMALIES):
            self.anomalies.append(
                Anomaly(code=code, frame=frame, time_ns=time_ns, detail=detail, connection_id=self._connection_id)
            )
