"""The rows of `certificates` as the rules DP140 to DP149 need them: by endpoint, with whom it matters to.

A capture of an office holds the certificates of hundreds of servers, most of them no business of push mail. Spoken of
are the endpoints at which Exchange ActiveSync was seen, or whose names such connections asked for; of others only those
whose certificate clients refused, and all of them where it was seen nowhere (then perhaps because of the certificate).
STRANGERS of these at most: the table has them all.

A problem is a warning if clients answered as they answer such a problem, and it may concern push. Else it is there for
those who look: that a company has a root of its own is no fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from analyzer import texts
from analyzer.certificates import alerts
from analyzer.findings import Finding, Severity
from analyzer.findings.case import Case
from analyzer.findings.words import counted, framed, listed, of_all, plain
from analyzer.tables import read

STRANGERS: Final = 3  # endpoints without ActiveSync that one rule speaks of
FRAMES: Final = 8
LEFT_AGAIN: Final = 2  # a client that leaves once without a word may have had any reason

Row = dict[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """One address and port, with its rows."""

    ip: str
    port: int
    rows: tuple[Row, ...]
    ours: bool  # Exchange ActiveSync was seen there
    alone: bool  # it was seen nowhere in these captures

    @cached_property
    def name(self) -> str:
        """mail.example.com (203.0.113.10)"""
        names = dict.fromkeys(plain(row["server_name"]) for row in self.rows if row["server_name"])
        where = texts.endpoint(self.ip, None if self.port == 443 else self.port)
        return f"{listed(names)} ({where})" if names else where


@dataclass(frozen=True)
class Trouble:
    """Some rows of an endpoint, and what the clients answered to them."""

    endpoint: Endpoint
    rows: tuple[Row, ...]
    said: tuple[str, ...]  # what is wrong, each thing once
    grade: str
    answers: Counter[int]  # alerts of clients that fit
    left: int  # clients that left without a word
    by_server: bool = False  # it is the server that refuses

    @classmethod
    def of(
        cls, endpoint: Endpoint, rows: Sequence[Row], answers: Collection[int] | None, *, by_server: bool = False
    ) -> Trouble:
        """Of these rows as they are; `answers`: the alerts of clients that count; None: clients do not matter."""
        left = sum(row["abandoned"] for row in rows) if answers is not None else 0
        return cls(endpoint, tuple(rows), (), "proven", _among(rows, answers or ()), left, by_server)

    @property
    def shown(self) -> list[Row]:
        """Those of the rows that have a chain."""
        return [row for row in self.rows if row["chain"] != "not_seen"]

    @property
    def refused(self) -> bool:
        """One side did not accept it."""
        if self.by_server:
            return True
        connections = sum(row["connections"] for row in self.rows)
        return bool(self.answers) or self.left >= LEFT_AGAIN or 0 < self.left == connections

    @property
    def severity(self) -> Severity:
        """A warning where clients refused, and it may concern push."""
        return "warning" if self.refused and (self.endpoint.ours or self.endpoint.alone) else "info"

    @cached_property
    def frames(self) -> tuple[int, ...]:
        """Of the answers; of the connections, where there was none."""
        told = [frame for row in self.rows for frame in row["frames"]]
        return tuple(sorted(set(told or [row["first_frame"] for row in self.rows]))[:FRAMES])

    def answer(self) -> str:
        """What the clients answered, as sentences."""
        connections = sum(row["connections"] for row in self.rows)
        said = []
        if self.answers:
            which = listed([alerts.name(alert) for alert, _ in self.answers.most_common()])
            times = of_all(self.answers.total(), connections, "connection")
            said.append(f"Clients refused it in {times} with alert {which}, see {framed(self.frames)}.")
        if self.left:
            times = of_all(self.left, connections, "connection")
            said.append(f"In {times} the client closed right after it without a word, as old phones do.")
        return " ".join(said) or f"No client refused it here ({counted(connections, 'connection')})."

    def finding(
        self,
        case: Case,
        *,
        code: str,
        title: str,
        detail: str,
        advice: str | None,
        grade: str,
        frames: tuple[int, ...] = (),
    ) -> Finding:
        """The finding about it; `frames` are those of the answers when they are not given."""
        told = next((row for row in self.rows if row["refusals"] or row["abandoned"]), self.rows[0])
        return Finding(
            code=code,
            severity=self.severity,
            title=title,
            detail=detail,
            advice=advice,
            connection_id=told["connection_id"],
            start=min(row["first_seen"] for row in self.rows),
            end=max(row["last_seen"] for row in self.rows),
            confidence=grade,
            frames=frames or self.frames,
            display_filter=display_filter(case, told["connection_id"]),
        )


def endpoints(case: Case) -> list[Endpoint]:
    """All that have a row, those with Exchange ActiveSync first."""
    rows = read.rows(case.source("certificates"))
    if not rows:
        return []
    addresses, names = _carrying(case)
    found: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        found.setdefault((row["server_ip"], row["server_port"]), []).append(row)
    made = [
        Endpoint(
            ip,
            port,
            tuple(some),
            ours=(ip, port) in addresses or any(row["server_name"] in names for row in some),
            alone=not addresses,
        )
        for (ip, port), some in found.items()
    ]
    return sorted(made, key=lambda endpoint: not endpoint.ours)


def _carrying(case: Case) -> tuple[set[tuple[str, int]], set[str]]:
    """Addresses with ports and names of the servers of Exchange ActiveSync."""
    links = case.source("connections")
    carries = read.among(links, "eas_evidence", "decoded", "inferred")
    if not carries.any():
        return set(), set()
    columns = [read.values(links, name) for name in ("server_ip", "server_port", "sni")]
    some = [row for row, yes in zip(zip(*columns, strict=True), carries.tolist(), strict=True) if yes]
    return {(ip, port) for ip, port, _ in some}, {name for *_, name in some if name is not None}


def spoken_of(troubles: list[Trouble]) -> list[Trouble]:
    """Those worth a finding, the refused ones first."""
    ranked = sorted(troubles, key=lambda trouble: not trouble.refused)
    ours = [trouble for trouble in ranked if trouble.endpoint.ours]
    strangers = [t for t in ranked if not t.endpoint.ours and (t.endpoint.alone or (t.refused and not t.by_server))]
    return ours + strangers[:STRANGERS]


def with_problem(case: Case, kinds: Collection[str], answers: Collection[int]) -> Iterator[Trouble]:
    """Endpoints with one of these problems. `answers`: the alerts with which clients answer these."""
    found = []
    for endpoint in endpoints(case):
        rows, said, grades = [], [], []
        for row in endpoint.rows:
            wrong = [problem for problem in row["problems"] if problem["kind"] in kinds]
            if wrong:
                rows.append(row)
                said += [plain(problem["detail"], 300) for problem in wrong]
                grades += [problem["grade"] for problem in wrong]
        if rows:
            rows += _hidden(endpoint, rows)
            found.append(
                Trouble(
                    endpoint,
                    tuple(rows),
                    tuple(dict.fromkeys(said)),
                    grades[0],
                    _among(rows, answers),
                    sum(row["abandoned"] for row in rows),
                )
            )
    yield from spoken_of(found)


def _hidden(endpoint: Endpoint, rows: list[Row]) -> list[Row]:
    """Rows without a chain (TLS 1.3) of the same names, at which clients refused: most likely the same chain."""
    names = {row["server_name"] for row in rows}
    return [
        row for row in endpoint.rows if row["chain"] == "not_seen" and row["refusals"] and row["server_name"] in names
    ]


def _among(rows: Sequence[Row], answers: Collection[int]) -> Counter[int]:
    found: Counter[int] = Counter()
    for row in rows:
        for one in row["client_alerts"]:
            if one["alert"] in answers:
                found[one["alert"]] += one["times"]
    return found


def versions(case: Case, endpoint: Endpoint) -> set[str]:
    """The versions of TLS that all connections to an endpoint agreed on, also those without a row."""
    links = case.source("connections")
    there = read.among(links, "server_ip", endpoint.ip) & (read.ints(links, "server_port") == endpoint.port)
    found, names = read.codes(links, "tls_version")
    return {names[code] for code in set(found[there & (found >= 0)].tolist())}


def display_filter(case: Case, connection_id: int) -> str | None:
    """Of a connection."""
    links = case.source("connections")
    place = (read.ints(links, "connection_id") == connection_id).nonzero()[0]
    codes, filters = read.codes(links, "display_filter")
    return str(filters[codes[place[0]]]) if len(place) else None


def sentence(texts: Collection[str]) -> str:
    """What is wrong, as one sentence that begins with a capital letter."""
    said = "; ".join(list(texts)[:3])
    rest = len(texts) - 3
    said += f"; and {rest} more" if rest > 0 else ""
    return f"{said[:1].upper()}{said[1:]}."
