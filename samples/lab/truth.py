"""The truth of a recording, made of the diaries of device, server, firewall and box.

Its format is that of the shared captures. Beside what those have (`devices[].exchanges`, `middlebox`, `events`, ...)
there is `ends`: each end of a connection or wait with its fate, by the port that a capture at that point shows, and
`expected`: what must be said of each fate.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from samples.lab import journal
from samples.lab.journal import Entry
from samples.lab.scenario import Named

KILLED = {"client-timeout", "connection-closed-by-peer (EOF)", "connection-reset"}
CONNTRACK = re.compile(
    r"\[(?P<t>[\d.]+)\s*\]\s+\[(?P<event>\w+)\].*?src=(?P<src>\S+) dst=(?P<dst>\S+) sport=(?P<sport>\d+)"
)


def assemble(named: Named, directory: Path, devices: int, captures: dict[str, Any], versions: dict[str, str]) -> Entry:
    """Everything that is known about a recording but its packets."""
    scenario = named.scenario
    events = journal.read(directory / "events.journal") + journal.read(directory / "box.journal")
    until = next(entry["t"] for entry in events if entry["kind"] == "recording_ended")
    server = [entry for entry in journal.read(directory / "server.journal") if entry["t"] < until]
    diaries = [journal.read(directory / f"device{number}.journal") for number in range(devices)]
    events += [entry for entry in server if entry["kind"] in ("delivery", "sigterm")]
    exchanges = [entry for diary in diaries for entry in diary if entry["kind"] == "exchange"]
    fates = dict(enumerate(map(_fates, diaries)))
    ends = [end for found in fates.values() for end in found]
    outcomes = {f"{entry['device_id']}/{entry['seq']}": entry for entry in exchanges}
    ends += _at_server(server, ends, outcomes, behind_proxy=scenario.proxy is not None)
    return {
        "scenario": named.name,
        "description": named.about,
        "clock": "all times are Unix epoch seconds of one host clock, same as the packet timestamps",
        "captures": captures,
        "eas": scenario.stranger is None,
        "stranger": scenario.stranger,
        "middlebox": {
            "type": "linux conntrack + nftables router",
            "tcp_established_timeout": scenario.firewall.idle_s,
            "on_stateless_packet": scenario.firewall.late,
            "box": scenario.box,
            "proxy": None
            if scenario.proxy is None
            else {name: getattr(scenario.proxy, name) for name in ("program", "mode", "timeout_s", "reset")},
            "timers_s": scenario.timers_s,
        },
        "links": {"air": scenario.air, "wan": scenario.wan},
        "server": {"front": "lab", "options": scenario.server},
        "versions": versions,
        "events": sorted(events, key=lambda entry: float(entry["t"])),
        "firewall_conntrack_events": _conntrack(directory / "conntrack.log"),
        "devices": [
            {
                "device_id": f"LAB{number:02d}",
                "client": "samples.lab.device",
                "script": scenario.scripts[number] if scenario.scripts else scenario.stranger,
                "exchanges": [_plain(entry) for entry in diary if entry["kind"] == "exchange"],
                "connections": [entry for entry in diary if entry["kind"] in ("connected", "closed", "dial_failed")],
                "dials": [entry["t"] for entry in diary if entry["kind"] == "dial"],
            }
            for number, diary in enumerate(diaries)
        ],
        "server_access_log": [_served(entry) for entry in server if entry["kind"] in ("answered", "unanswered")],
        "server_connections": [entry for entry in server if entry["kind"] in ("accepted", "closed")],
        "ends": ends,
        "expected": {
            fate: {point: end._asdict() for point, end in points.items()} for fate, points in named.expected.items()
        },
        "exchange_count": len(exchanges),
    }


def _fates(diary: list[Entry]) -> list[Entry]:
    """How each connection of one device ended, by its own words; and each error of a proxy."""
    ends = []
    for connected in (entry for entry in diary if entry["kind"] == "connected"):
        local = connected["local"]
        here = [e for e in diary if e["kind"] == "exchange" and e["conn"][0]["local"] == local]
        closed = next((e for e in diary if e["kind"] == "closed" and e["local"] == local), None)
        end: Entry = {"point": "dev", "port": int(local.rpartition(":")[2]), "t": closed["t"] if closed else None}
        for exchange in here:
            if exchange["outcome"].startswith("http-"):
                ends.append({**end, "t": exchange["t_first_byte"], "fate": "http_error", "wait": _is_wait(exchange)})
        last = here[-1] if here else None
        if closed is None and any(e["kind"] == "roamed" and local.startswith(e["old"] + ":") for e in diary):
            fate = "roamed"
        elif closed is None and _left_open(diary, local):
            fate = "lost"
        elif last is not None and last["outcome"] in KILLED:
            fate = "killed"
        elif last is not None and last["outcome"] == "client-aborted":
            fate = "aborted"
        elif closed is None:
            fate = "cut"
        else:
            fate = "closed"
        if here:
            wait = fate == "lost" or (last is not None and _is_wait(last) and fate in ("killed", "aborted", "roamed"))
            ends.append({**end, "fate": fate, "wait": wait})
    return ends


def _left_open(diary: list[Entry], local: str) -> bool:
    """The device was killed with a wait open: it asked, and wrote down no outcome."""
    asked = [entry["seq"] for entry in diary if entry["kind"] == "asks" and entry["local"] == local]
    done = {e["seq"] for e in diary if e["kind"] == "exchange" and e["conn"][0]["local"] == local}
    return bool(asked) and asked[-1] not in done


def _at_server(
    server: list[Entry], ends: list[Entry], outcomes: dict[str, Entry], *, behind_proxy: bool
) -> list[Entry]:
    """The same ends as the server's side has them: the NAT keeps ports; a proxy has connections of its own."""
    found = []
    by_port = {end["port"]: end for end in ends if end["fate"] != "http_error"}
    for accepted in (entry for entry in server if entry["kind"] == "accepted"):
        port = int(accepted["peer"].rpartition(":")[2])
        requests = [e for e in server if e["kind"] == "request" and e["conn"] == accepted["conn"]]
        closed = next((e for e in server if e["kind"] == "closed" and e["conn"] == accepted["conn"]), None)
        if not requests:
            continue
        end: Entry = {"point": "srv", "port": port, "t": closed["t"] if closed else None}
        if not behind_proxy:
            fate = by_port.get(port)
            if fate is not None:
                found.append({**fate, **end})
            continue
        last = outcomes.get(requests[-1]["lab_request"] or "")
        answered = any(
            e["kind"] == "answered"
            and e["lab_request"] == requests[-1]["lab_request"]
            and e["conn"] == accepted["conn"]
            for e in server
        )
        if last is None or answered:
            fate_word = "closed" if closed is not None else "cut"
        elif last["outcome"].startswith("http-"):
            fate_word = "http_error"
        else:
            fate_word = {"client-aborted": "aborted"}.get(last["outcome"], "killed")
        found.append({**end, "fate": fate_word, "wait": last is not None and not answered and _is_wait(last)})
    return found


def _is_wait(exchange: Entry) -> bool:
    return "heartbeat_requested" in exchange


def _plain(entry: Entry) -> Entry:
    return {name: value for name, value in entry.items() if name not in ("kind", "t", "monotonic")}


def _served(entry: Entry) -> Entry:
    names = ("t", "conn", "req", "cmd", "lab_request", "status", "request_time", "why")
    return {name: entry[name] for name in names if name in entry}


def _conntrack(path: Path) -> list[Entry]:
    """The firewall's own log of the connections it knows."""
    found = []
    for line in path.read_text(errors="replace").splitlines() if path.exists() else []:
        match = CONNTRACK.search(line)
        if match:
            entry: Entry = match.groupdict()
            found.append({**entry, "t": float(entry["t"]), "sport": int(entry["sport"])})
    return found
