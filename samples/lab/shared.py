"""The truth of the shared captures (../shared/captures beside the repository) as ends with their fates.

Their truth files say of each request how it ended and on which connection it was; what must be said of each fate is
below, by scenario. Ends of connections on which nothing was pending are not labelled there and not judged.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from samples.lab.scenario import ABORTED, End, Expected
from samples.lab.truth import KILLED

DIRECTORY = Path(__file__).resolve().parents[3] / "shared" / "captures"
CAPTURES = (
    *("a_healthy.dev.pcap", "a_healthy.srv.pcapng", "b_blackhole.dev.pcap", "b_blackhole.srv.pcap"),
    *("c_fw_rst.dev.pcap", "c_fw_rst.srv.pcap", "d_nginx504.dev.pcap", "d_nginx504.srv.pcap"),
    *("e_nginx_kill.dev.pcap", "e_nginx_kill.srv.pcap", "g_tls13.dev.pcap", "h_lossy.dev.pcap", "h_lossy.srv.pcap"),
    *("i_twopoint.dev.pcap", "i_twopoint.srv.pcap", "k_snap.dev.pcap", "o_abort.dev.pcap", "o_abort.srv.pcap"),
    *("q_empty.dev.pcap", "q_empty.srv.pcap", "s_hsync.dev.pcap", "s_hsync.srv.pcapng"),
    *("y_healthy.dev.pcap", "y_healthy.srv.pcap", "i_twopoint.fw-any.pcap", "i_twopoint.merged.pcapng"),
    *("k_snap.srv-snap300.pcap", "k_snap.dev-snap128.pcap", "g_tls12_rsa.dev.pcap"),
    *("l_h2.dev.pcap", "l_h2.srv.pcapng"),
)

FORGOTTEN = End("silent|rst", "middlebox|path", "idle_timeout", True)
GATEWAY = End("http_error", "middlebox", "proxy_timeout", True)
STOPPED = End("fin|rst", "server_side", "server_stop|endpoint_close", True)
FATES: dict[str, End] = {
    "b_blackhole": FORGOTTEN,
    "c_fw_rst": FORGOTTEN,
    "i_twopoint": FORGOTTEN,
    "k_snap": FORGOTTEN,
    "e_nginx_kill": STOPPED,
}

UNLABELLED = {"l_h2"}  # the device gives up a stream there, no connection ends: nobody may be blamed
UNREADABLE = {"k_snap.dev-snap128.pcap"}  # no request is whole: nothing can be said, and nobody may be blamed


def point_of(capture: str) -> str:
    """Whose knowledge a capture has. At the firewall and in a merged file the device's leg comes first."""
    return "srv" if ".srv" in capture else "dev"


def truth(capture: str) -> dict[str, Any]:
    """The truth of one shared capture, with `ends`, `expected` and `middlebox.timers_s` as the lab's have them."""
    name, point = capture.partition(".")[0], point_of(capture)
    facts: dict[str, Any] = json.loads((DIRECTORY / f"{name}.truth.json").read_text())
    expected: Expected = {"aborted": {point: ABORTED}, "http_error": {point: GATEWAY}}
    if name in FATES:
        expected["killed"] = {point: FATES[name]}
    ends = []
    for exchange in facts["devices"][0]["exchanges"]:
        fate = _fate(exchange["outcome"])
        if fate is None or not exchange.get("conn") or name in UNLABELLED or capture in UNREADABLE:
            continue
        port = int(exchange["conn"][-1]["local"].rpartition(":")[2])
        if point == "srv":
            port = exchange.get("nat_port") or port
        time_s = exchange["t_first_byte"] if fate == "http_error" else exchange["t_end"]
        ends.append({"point": point, "port": port, "fate": fate, "t": time_s, "wait": True})
    timer_s = facts["middlebox"]["tcp_established_timeout"]
    timers = {} if timer_s > 3600 else {point: timer_s}
    if name == "d_nginx504":
        timers = {point: 25}
    facts["middlebox"]["timers_s"] = timers
    words = {fate: {at: end._asdict() for at, end in points.items()} for fate, points in expected.items()}
    return {**facts, "eas": True, "ends": ends, "expected": words, "only_waits": True}


def _fate(outcome: str) -> str | None:
    if outcome in KILLED:
        return "killed"
    if outcome == "client-aborted":
        return "aborted"
    return "http_error" if outcome in ("http-502", "http-503", "http-504") else None
