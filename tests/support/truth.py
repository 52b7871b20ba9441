"""What must be found in a recorded capture, told by the logs of the client, the server and the firewall that took part.

`expected(truth, point)` turns a truth file into one `Expected` for each request that reached the wire, and one
`Unsent` for each that did not, with the reason. Nothing here looks at a packet or at the analyzer's output: this is
the other side of the comparison. What can be known depends on the point: a capture on the server's side sees the
answer that a firewall threw away behind it, so there the server's access log says what must be found, and the
client's log what became of it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NEAR_S = (
    0.5  # two logs of one request differ by less; requests of one command follow each other more slowly or in order
)

# The outcomes that a wait may have, for each word of the client's log.
OUTCOMES: dict[str, set[str]] = {
    "heartbeat-expired": {"expired"},
    "changes": {"changes"},
    "answered-early-no-items": {"changes"},  # SOGo reports a change twice: the second time only the key moves
    "answered-early-empty": {"unknown"},  # our word for the same with an empty body: nothing says why it came
    "client-timeout": {"torn_down"},  # the device gave up after the due time: the path had died before
    "client-aborted": {"replaced", "torn_down"},  # the device's own choice
    "connection-closed-by-peer (EOF)": {"torn_down"},
    "http-504": {"torn_down"},  # the proxy's answer is not the server's
}
ENDED_BY_OTHERS = {"client-timeout", "connection-closed-by-peer (EOF)", "http-504"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """One request that reached the wire."""

    seq: int  # in the client's log; 0: the client did not log it, the server did
    command: str
    device_id: str | None
    start_s: float  # when the client wrote it
    status: int | None  # of the answer that this capture point could see
    held_s: float | None  # from the request to the answer's first byte, or to where the wait ended
    is_wait: bool
    requested_s: float | None
    inherited: bool  # a Ping without body: the interval is the server's memory of an earlier one
    outcomes: frozenset[str]
    premature: bool
    sizes: dict[str, int]  # column of `transactions` → bytes, as far as the client logged them
    folder: str | None  # the only collection of a Sync
    folder_sizes: dict[str, int]
    collections: tuple[dict[str, Any], ...]  # of a Sync's answer, as the client parsed it
    word: str  # the client's own word for the outcome

    def __str__(self) -> str:
        return f"request {self.seq} ({self.command}, {self.word})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """One request that never reached the wire."""

    seq: int
    command: str
    start_s: float
    reason: str


def load(path: Path) -> dict[str, Any]:
    """A truth file."""
    truth: dict[str, Any] = json.loads(path.read_text())
    return truth


def device_of(truth: dict[str, Any]) -> dict[str, Any]:
    """Its one device."""
    (device,) = truth["devices"]
    return dict(device)


def expected(truth: dict[str, Any], point: str) -> tuple[list[Expected], list[Unsent]]:
    """The requests that reached the wire in order of time, and those that did not.

    `point` is where the capture was taken: "dev" (the device's side of everything) or "srv" (the server's side).
    """
    device = device_of(truth)
    exchanges = device["exchanges"]
    served = _access_log_entries(truth, exchanges)
    found: list[Expected] = []
    unsent: list[Unsent] = []
    remembered: float | None = None  # the last interval of a Ping in this capture
    for exchange in exchanges:
        reason = _why_not_sent(exchange, served.get(exchange["seq"]))
        if reason:
            unsent.append(
                Unsent(seq=exchange["seq"], command=exchange["cmd"], start_s=exchange["t_start"], reason=reason)
            )
            continue
        if exchange["cmd"] == "Ping" and "heartbeat_requested" in exchange:
            remembered = float(exchange["heartbeat_requested"])
        found.append(_one(exchange, served.get(exchange["seq"]), point, remembered, device["device_id"]))
    found += [_unlogged(line) for line in served.get(0, [])]
    return sorted(found, key=lambda each: each.start_s), unsent


def connections_used(truth: dict[str, Any]) -> int:
    """How many TCP connections carried a request, by the client's dials or else by the server's count."""
    by_client = {
        connection["local"] for exchange in device_of(truth)["exchanges"] for connection in exchange.get("conn") or []
    }
    return len(by_client) or len({line["conn"] for line in truth["server_access_log"]})


def _written(exchange: dict[str, Any]) -> float:
    """When the request went into the socket: later than `t_start` by the set-up of a connection made for it."""
    dials = exchange.get("conn") or []
    return float(dials[-1]["t_written"]) if dials else float(exchange["t_start"])


def _why_not_sent(exchange: dict[str, Any], line: list[dict[str, Any]] | None) -> str | None:
    if exchange["outcome"] == "connection-refused":
        return "the connection was refused"
    if not exchange.get("conn") and exchange.get("http_status") is None and not line:
        return "it was never written to a connection"
    return None


def _access_log_entries(truth: dict[str, Any], exchanges: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    """The server's access log by the client's sequence number; under 0 what the client did not log."""
    by_seq: dict[int, list[dict[str, Any]]] = {}
    for line in truth["server_access_log"]:
        begun = line["t"] - line["request_time"]
        near = [
            exchange
            for exchange in exchanges
            if exchange["seq"] not in by_seq
            and _same_command(exchange, line)
            and abs(_written(exchange) - begun) < NEAR_S
        ]
        best = min(near, key=lambda exchange: abs(_written(exchange) - begun), default=None)
        by_seq.setdefault(best["seq"] if best else 0, []).append(line)
    return by_seq


def _same_command(exchange: dict[str, Any], line: dict[str, Any]) -> bool:
    method, target, *_ = line["req"].split(" ")
    return bool(exchange["method"] == method and (method == "OPTIONS" or f"Cmd={exchange['cmd']}&" in target + "&"))


def _one(
    exchange: dict[str, Any],
    served: list[dict[str, Any]] | None,
    point: str,
    remembered: float | None,
    device_id: str,
) -> Expected:
    start = _written(exchange)
    word = exchange["outcome"]
    if word == "answered-early-no-items" and exchange["resp_body_wire"] == 0:
        word = "answered-early-empty"
    is_wait = exchange["cmd"] == "Ping" or bool(exchange.get("hanging_sync"))
    status = exchange.get("http_status")
    held = (exchange.get("t_first_byte") or exchange["t_end"]) - start
    if point == "srv" and status is None and served and served[0]["completion"] == "OK":
        status = served[0]["status"]  # the answer passed this point and died behind it
        held = served[0]["request_time"]
    requested = exchange.get("heartbeat_requested")
    inherited = is_wait and requested is None
    sizes = {
        column: exchange[name]
        for column, name in (
            ("request_body_bytes", "req_body_wire"),
            ("request_decoded_bytes", "req_body_plain"),
            ("response_body_bytes", "resp_body_wire"),
            ("response_decoded_bytes", "resp_body_plain"),
        )
        if name in exchange
    }
    per_folder = exchange.get("folder_bytes") or {}
    return Expected(
        seq=exchange["seq"],
        command=exchange["cmd"],
        device_id=device_id if exchange["method"] != "OPTIONS" else None,
        start_s=start,
        status=status,
        held_s=held if is_wait else None,
        is_wait=is_wait,
        requested_s=remembered if inherited else requested,
        inherited=inherited,
        outcomes=frozenset(OUTCOMES[word]) if is_wait else frozenset(),
        premature=is_wait and word in ENDED_BY_OTHERS,
        sizes=sizes,
        folder=per_folder.get("folder"),
        folder_sizes={
            "request_body_bytes": per_folder["req_wire"],
            "request_decoded_bytes": per_folder["req_plain"],
            "response_body_bytes": per_folder["resp_wire"],
            "response_decoded_bytes": per_folder["resp_plain"],
        }
        if per_folder
        else {},
        collections=tuple((exchange.get("resp") or {}).get("collections") or ()) if exchange["cmd"] == "Sync" else (),
        word=word,
    )


def _unlogged(line: dict[str, Any]) -> Expected:
    """A request that only the server logged."""
    return Expected(
        seq=0,
        command="OPTIONS",
        device_id=None,
        start_s=line["t"] - line["request_time"],
        status=line["status"],
        held_s=None,
        is_wait=False,
        requested_s=None,
        inherited=False,
        outcomes=frozenset(),
        premature=False,
        sizes={},
        folder=None,
        folder_sizes={},
        collections=(),
        word="in the server's log only",
    )
