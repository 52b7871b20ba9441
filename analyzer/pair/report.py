"""Prints what two captures say together: for people at a terminal, and as JSON."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

from analyzer.findings.words import plain, span
from analyzer.pair.pairing import Pair, Pairing
from analyzer.pair.segments import STATES, Flow, hops
from analyzer.pair.signs import Close, Drop
from analyzer.pair.summary import Summary
from analyzer.pair.words import short, story
from analyzer.reports.terminal import hanging
from analyzer.texts import endpoint, rfc3339
from dissectors.events import CLIENT, SERVER, Connection

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SHOWN = 12  # connections before it says how many more there are
NARROW = 100
SCHEMA_VERSION = 1
_STYLES = {"ok": "bold green", "info": "bold cyan", "warning": "bold yellow", "error": "bold red"}
_MATCHED = {"client_random": "ClientHello", "sequence_numbers": "sequence numbers", "content": "content"}


def render(pairing: Pairing, summary: Summary, out: Console, *, verbose: bool = False) -> None:
    """The verdict, the connections, the clocks, what was not seen."""
    hanging(out, "", summary.headline, _STYLES[summary.severity])
    for reason in summary.reasons:
        hanging(out, "  ", reason, "")
    for line in summary.advice:
        hanging(out, "  → ", line, "bold")
    if pairing.pairs:
        out.print()
        out.print(_table(pairing.pairs, out.width, verbose))
    if verbose:
        out.print()
        for one in pairing.pairs:
            hanging(out, "  ", f"{_name(one.device)}: {story(one)}", "")
            hanging(out, "    ", _counts(one), "dim")
    out.print()
    for line in (summary.clock, *summary.unseen):
        hanging(out, " ", line, "")
    if not verbose and pairing.pairs:
        hanging(out, " ", "More: --verbose · --json", "dim")


def _table(pairs: list[Pair], width: int, verbose: bool) -> Table:
    from rich.table import Table
    from rich.text import Text

    narrow = width < NARROW
    table = Table(box=None, pad_edge=True, header_style="dim", show_edge=False)
    for name in (
        "device's side",
        *(() if narrow else ("server's side", "same by")),
        "up",
        "down",
        "silence",
        "ended by",
    ):
        right = name in ("up", "down", "silence")
        table.add_column(name, justify="right" if right else "left", no_wrap=right, overflow="fold")
    shown = pairs if verbose else sorted(pairs, key=_rank)[:SHOWN]
    for one in sorted(shown, key=lambda pair: pair.device.connection_id):
        idle = one.ending.idle_ns
        cells = [_name(one.device), *(() if narrow else (_name(one.server), _MATCHED[one.by]))]
        cells += [_arrived(one, side) for side in (CLIENT, SERVER)]
        grade = "" if one.ending.grade in ("proven", "unknown") else f" ({one.ending.grade})"
        cells += ["-" if idle is None else span(idle / 1e9), f"{short(one)}{grade}"]
        table.add_row(*(Text(plain(cell, limit=80)) for cell in cells))
    if len(shown) < len(pairs):
        table.add_row(Text(f"and {len(pairs) - len(shown):,} more: --verbose", style="dim"))
    return table


def _rank(one: Pair) -> tuple[bool, int]:
    """What was cut first."""
    return one.ending.by not in ("between", "path"), one.device.connection_id


def _name(connection: Connection) -> str:
    return endpoint(connection.client.ip, connection.client.port)


def _arrived(one: Pair, side: int) -> str:
    """Packets that arrived, of those that were sent."""
    flow = one.comparison.flows[side]
    if one.kind == "relayed":
        return f"{len(flow.near)} | {len(flow.far)}"
    arrived = len(flow.near) - flow.count(STATES.index("lost")) - flow.count(STATES.index("repaired"))
    unknown = flow.count(STATES.index("uncovered"))
    return f"{arrived - unknown}/{len(flow.near) - unknown}"


def _counts(one: Pair) -> str:
    """Each direction's packets by what became of them."""
    texts = []
    for word, flow in zip(("up", "down"), one.comparison.flows, strict=True):
        near = _listed(_states(flow, far=False))
        far = _listed({name: count for name, count in _states(flow, far=True).items() if name != "both"})
        routers = hops(one.comparison, flow.side)
        text = f"{word}: {near or 'nothing'}"
        text += f"; at the far point {far}" if far else ""
        texts.append(text + (f", TTL less {routers}" if routers else ""))
    return " · ".join(texts)


def _listed(states: dict[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in states.items())


def _states(flow: Flow, *, far: bool) -> dict[str, int]:
    return {name: count for state, name in enumerate(STATES) if (count := flow.count(state, far=far))}


# -- JSON ---------------------------------------------------------------------------------------------------------


def write_json(pairing: Pairing, summary: Summary, out: IO[str]) -> None:
    """Everything, as one document."""
    json.dump(document(pairing, summary), out, indent=1, allow_nan=False)
    out.write("\n")


def document(pairing: Pairing, summary: Summary) -> dict[str, Any]:
    """The document: times are RFC 3339 on the device's clock, frames are those of the capture that is named."""
    clock = pairing.clock
    timer = pairing.timer
    return {
        "schema_version": SCHEMA_VERSION,
        "verdict": {
            "headline": summary.headline,
            "severity": summary.severity,
            "reasons": list(summary.reasons),
            "advice": list(summary.advice),
        },
        "captures": {"device": pairing.points[0].name, "server": pairing.points[1].name},
        "clock": {
            "offset_s": clock.offset_ns / 1e9 if clock.pairs_up or clock.pairs_down else None,
            "error_s": clock.error_ns / 1e9 if clock.known else None,
            "drift_ppm": clock.drift * 1e6 if clock.drift_known else None,
            "drift_error_ppm": clock.drift_error * 1e6 if clock.drift_known and clock.drift_error is not None else None,
            "fits": clock.fits,
            "packets_up": clock.pairs_up,
            "packets_down": clock.pairs_down,
        },
        "connections": [_connection(one) for one in pairing.pairs],
        "requests": [
            {
                "name": one.device.name,
                "device_frame": one.device.frame,
                "server_frame": one.server.frame,
                "device_status": one.device.status,
                "server_status": one.server.status,
                "fate": one.fate,
                "hung_up": one.hung_up,
            }
            for one in pairing.relayed.found
        ],
        "idle_timer": None
        if timer is None
        else {
            "clock": timer.clock,
            "low_s": timer.low_s,
            "high_s": timer.high_s,
            "deaths": timer.deaths,
            "survivals": timer.survivals,
            "sharp": timer.sharp,
        },
        "only_device": [_ends(one) for one in pairing.only_device],
        "only_server": [_ends(one) for one in pairing.only_server],
        "notes": [summary.clock, *summary.unseen],
    }


def _connection(one: Pair) -> dict[str, Any]:
    ending, up, down = one.ending, *one.comparison.flows
    return {
        "device": _ends(one.device),
        "server": _ends(one.server),
        "matched_by": one.by,
        "kind": one.kind,
        "ended_by": ending.by,
        "mechanism": ending.how,
        "told": list(ending.towards),
        "evidence_grade": ending.grade,
        "time": None if ending.time_ns is None else rfc3339(ending.time_ns),
        "idle_s": None if ending.idle_ns is None else ending.idle_ns / 1e9,
        "forgotten": ending.forgotten,
        "undelivered": ending.undelivered,
        "moved_to": ending.moved_to,
        "pending": one.pending.name if one.pending else None,
        "story": story(one),
        "closes": [_close(close) for close in ending.closes],
        "drops": [_drop(drop) for drop in ending.drops],
        "up": {"sent": _states(up, far=False), "arrived": _states(up, far=True), "changed": dict(up.changed)},
        "down": {"sent": _states(down, far=False), "arrived": _states(down, far=True), "changed": dict(down.changed)},
        "whole": one.whole,
    }


def _ends(connection: Connection) -> dict[str, Any]:
    return {
        "connection_id": connection.connection_id,
        "client_ip": connection.client.ip,
        "client_port": connection.client.port,
        "server_ip": connection.server.ip,
        "server_port": connection.server.port,
        "first_frame": connection.first_frame,
        "last_frame": connection.last_frame,
    }


def _close(close: Close) -> dict[str, Any]:
    return {
        "capture": close.at,
        "in_the_name_of": ("device", "server")[close.side],
        "packet": close.word,
        "origin": close.origin,
        "arrived": close.arrived,
        "frame": close.frame,
        "time": rfc3339(close.time_ns),
        "ttl": close.ttl,
        "answers_frame": close.trigger,
    }


def _drop(drop: Drop) -> dict[str, Any]:
    side = ("device", "server")[drop.side]
    return {
        "sent_by": side,
        "capture": side,
        "frames": list(drop.frames),
        "what": drop.word,
        "start": rfc3339(drop.start_ns),
    }
