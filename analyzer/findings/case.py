"""The tables as the rules need them: every push wait beside its end, its connection and its device, worked out once.

Nothing here judges who was at fault: that stands in `teardowns` and is put into words by the rules. The fate of a wait:

    lived    answered: its interval ran out, or it brought changes
    died     cut before its answer, and the client did not choose that (`teardowns.premature`)
    own      the device ended it itself: it wanted something else, or closed the connection
    error    the server answered with an error
    unknown  the capture ended, bytes are missing, or the connection stayed encrypted

The way in which a wait died is what the rules DP101 to DP104 and DP107 share out among them:

    silent   packets went unanswered
    reset    RST
    proxy    a gateway answered in the server's place
    closed   the server's side closed, was stopped, or dropped many connections at once
    device   the device vanished or went on from another network
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from analyzer.findings.words import listed, plain

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

LIVED, DIED, OWN, ERROR, UNKNOWN = "lived", "died", "own", "error", "unknown"

WAYS = SILENT, RESET, PROXY, CLOSED, DEVICE = "silent", "reset", "proxy", "closed", "device"

_END = ["mechanism", "ended_by", "cause", "premature", "idle_s", "evidence_grade", "evidence"]
_LINK = ["client_ip", "server_ip", "sni", "tls_version", "keepalives", "display_filter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """What the waits of one path say about its idle timer: the identified interval, nothing cleverer."""

    survivals: int  # waits whose tested idle is known and that lived
    deaths: int
    low_s: float | None  # longest idle that survived
    high_s: float | None  # shortest idle that did not
    sure: str | None  # "at least 90 % sure", from `idle_timeouts`; None: no percentage is honest

    @property
    def clean(self) -> bool:
        """One threshold explains everything: every wait that died was idle for longer than every wait that lived."""
        return self.low_s is not None and self.high_s is not None and self.low_s <= self.high_s


class Case:
    """The tables of one analysis and what is asked of them again and again."""

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        self.tables = tables

    @cached_property
    def waits(self) -> pd.DataFrame:
        """`heartbeats` in order of time, and beside each: its fate and, when it died, the way; mechanism, ended_by,
        cause, idle_s, evidence_grade and evidence of its end; client_ip, server_ip, sni, tls_version and display_filter
        of its connection; who (the session, or the client's address); x_s, the seconds of idle that it has tested
        (absent where keep-alives were sent).
        """
        ends = self.tables["teardowns"]
        ends = ends[ends["heartbeat_id"].notna()].drop_duplicates("heartbeat_id").set_index("heartbeat_id")[_END]
        links = self.tables["connections"].set_index("connection_id")[_LINK]
        heartbeats = self.tables["heartbeats"]
        waits = heartbeats.join(ends, on="heartbeat_id").join(links, on="connection_id").reset_index(drop=True)
        premature = waits["premature"].fillna(False).to_numpy(dtype=bool)
        outcome, ended_by, cause, mechanism = (
            waits[name].astype(object).to_numpy() for name in ("outcome", "ended_by", "cause", "mechanism")
        )
        waits["fate"] = _first(
            UNKNOWN,
            (DIED, premature),
            (LIVED, _among(outcome, "expired", "changes")),
            (OWN, (outcome == "replaced") | ((outcome == "torn_down") & (ended_by == "client"))),
            (ERROR, outcome == "error"),
        )
        waits["way"] = _first(
            SILENT,
            ("", ~premature),
            (DEVICE, _among(cause, "device_lost", "roamed")),
            (PROXY, mechanism == "http_error"),
            (CLOSED, _among(cause, "server_stop", "mass_event") | _among(mechanism, "fin", "tls_close")),
            (RESET, mechanism == "rst"),
        )
        # TCP keep-alives refresh an idle timer: a wait with keep-alives has tested less than its length.
        tested = waits["idle_s"].where(premature, waits["held_s"])
        waits["x_s"] = tested.where(waits["keepalives"].fillna(0).to_numpy(dtype=np.int64) == 0)
        waits["who"] = (
            waits["session_id"].astype(object).where(waits["session_id"].notna(), waits["client_ip"].astype(object))
        )
        return waits.sort_values("start", kind="stable", ignore_index=True)

    @cached_property
    def died(self) -> pd.DataFrame:
        return self.waits[self.waits["fate"] == DIED]

    def deaths(self, way: str) -> list[tuple[str, pd.DataFrame]]:
        """The waits that died in this way, as (server address, its waits), most deaths first."""
        died = self.died[self.died["way"] == way]
        groups = [(str(server), waits) for server, waits in died.groupby(died["server_ip"].astype(object).fillna("?"))]
        return sorted(groups, key=lambda group: -len(group[1]))

    def timer(self, server_ip: str, died: pd.DataFrame) -> Timer:
        """What the waits towards one server say about an idle timer, given those that died in one way.

        Where `idle_timeouts` has one row for the server its interval counts; over several client networks (several
        timers, perhaps) the plain interval of all of them is used, which is clean only if one timer explains all.
        """
        waits = self.at_server(server_ip)
        lived = waits[waits["fate"] == LIVED]["x_s"].dropna()
        dead = died["x_s"].dropna()
        low = float(lived.max()) if len(lived) else None
        high = float(dead.min()) if len(dead) else None
        sure = None
        timers = self.tables["idle_timeouts"]
        timers = timers[timers["server_ip"].astype(object) == server_ip]
        if len(timers) == 1 and low is not None and high is not None and low <= high:
            row = timers.iloc[0]
            if row["low_s"] <= row["high_s"]:  # false for absent values too
                low, high = float(row["low_s"]), float(row["high_s"])
            if row["confidence"] > 0:
                sure = f"at least {int(row['confidence'] * 100)} % sure"
        return Timer(survivals=len(lived), deaths=len(dead), low_s=low, high_s=high, sure=sure)

    def at_server(self, server_ip: str) -> pd.DataFrame:
        return self.waits[self.waits["server_ip"].astype(object) == server_ip]

    def server(self, server_ip: str) -> str:
        """mail.example.com (203.0.113.10)."""
        names = self.at_server(server_ip)["sni"].dropna()
        return f"{plain(str(names.iloc[0]))} ({server_ip})" if len(names) else server_ip

    @staticmethod
    def clients(waits: pd.DataFrame) -> str:
        """The device (seen as 192.0.2.7); the devices (seen as 192.0.2.7 and 192.0.2.9): a NAT may hide them."""
        who = "the device" if waits["who"].nunique() == 1 else "the devices"
        return f"{who} (seen as {listed(dict.fromkeys(waits['client_ip'].dropna().astype(object)))})"

    @cached_property
    def device_names(self) -> dict[object, str]:
        """What a person calls each session: type and user, with the end of the device's id where that is not enough."""
        short: dict[object, str] = {}
        tails: dict[object, str] = {}
        for row in rows(self.tables["sessions"]):
            words = [plain(str(word)) for word in (row["device_type"], row["user"]) if word]
            tail = plain(str(row["device_id"]))[-8:] if row["device_id"] else str(row["session_id"])
            short[row["session_id"]] = " ".join(words) if words else tail
            tails[row["session_id"]] = tail
        names = list(short.values())
        return {key: f"{name} {tails[key]}" if names.count(name) > 1 else name for key, name in short.items()}

    def device(self, who: object) -> str:
        return self.device_names.get(who) or plain(str(who))


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A small table as dictionaries, None where a value is absent."""
    objects = frame.astype(object)
    return [
        {str(name): value for name, value in row.items()}
        for row in objects.where(frame.notna(), None).to_dict("records")
    ]


def _first(otherwise: str, *cases: tuple[str, npt.NDArray[np.bool_]]) -> pd.Series[str]:
    """For each row the name of the first case that is true."""
    import pandas as pd

    names = np.full(len(cases[0][1]), otherwise, dtype=object)
    for name, holds in reversed(cases):
        names[holds] = name
    return pd.Series(names, dtype="str")


def _among(values: npt.NDArray[Any], *wanted: str) -> npt.NDArray[np.bool_]:
    return np.isin(values.astype(str), wanted)
