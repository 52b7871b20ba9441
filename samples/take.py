#!/usr/bin/env python3
"""Take samples from a directory of recorded scenarios: `python3 samples/take.py RECORDINGS`.

Copies the capture and its key log under the sample's own name, and keeps of `SCENARIO.truth.json` what tells the story
and what the tests compare with: the network, the middlebox, what happened and when, each request with its sizes and
outcome, the server's access log. Bulky logs and copies of headers stay behind. Nothing is invented here; the numbers
are the recording's.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

SAMPLES = {  # sample: (capture that was recorded, its scenario)
    "healthy": ("a_healthy.dev.pcap", "a_healthy"),
    "silent_firewall": ("b_blackhole.dev.pcap", "b_blackhole"),
    "resetting_firewall": ("c_fw_rst.dev.pcap", "c_fw_rst"),
    "proxy_timeout": ("d_nginx504.dev.pcap", "d_nginx504"),
    "server_killed": ("e_nginx_kill.dev.pcap", "e_nginx_kill"),
    "user_opens_app": ("o_abort.dev.pcap", "o_abort"),
    "empty_bodies": ("q_empty.dev.pcap", "q_empty"),
    "hanging_sync": ("s_hsync.dev.pcap", "s_hsync"),
    "new_connection_each": ("y_healthy.dev.pcap", "y_healthy"),
    "http2": ("l_h2.dev.pcap", "l_h2"),
    "rsa_key": ("g_tls12_rsa.dev.pcap", "g_tls12_rsa"),
}

KEPT = "scenario description clock network versions events firewall_conntrack_events"
KEPT_OF_MIDDLEBOX = "type tcp_established_timeout on_stateless_packet relay"
KEPT_OF_DEVICE = "device_id user client client_ip script folders"
KEPT_OF_EXCHANGE = (
    "seq cmd method url conn t_start t_first_byte t_end duration http_status outcome cause error heartbeat_requested "
    "hanging_sync folders folder_bytes req resp req_MS-ASProtocolVersion "
    "req_body_wire req_body_plain resp_body_wire resp_body_plain nat_port"
)
KEPT_OF_ACCESS_LOG = "t peer conn conn_req req status request_time completion upstream_status"


def only(record: dict[str, Any], names: str) -> dict[str, Any]:
    """The named entries of a record, in that order, where it has them."""
    return {name: record[name] for name in names.split() if name in record}


def trimmed(truth: dict[str, Any], capture: str) -> dict[str, Any]:
    """The part of a truth file that a sample keeps."""
    return {
        **only(truth, KEPT),
        "capture": truth["captures"][capture],
        "middlebox": only(truth["middlebox"], KEPT_OF_MIDDLEBOX),
        "devices": [
            only(device, KEPT_OF_DEVICE) | {"exchanges": [only(each, KEPT_OF_EXCHANGE) for each in device["exchanges"]]}
            for device in truth["devices"]
        ],
        "server_access_log": [only(line, KEPT_OF_ACCESS_LOG) for line in truth["server_access_log"]],
    }


def lines(value: Any, indent: str = "") -> str:
    """JSON with one record a line (a request, an event): short, and readable in a diff."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f"{indent}  {lines(entry, indent + '  ')}" for entry in value) + f"\n{indent}]"
    if isinstance(value, dict) and ("devices" in value or "exchanges" in value):
        inner = (f"{indent}  {json.dumps(name)}: {lines(entry, indent + '  ')}" for name, entry in value.items())
        return "{\n" + ",\n".join(inner) + f"\n{indent}}}"
    return json.dumps(value, ensure_ascii=False)


def main(recordings: Path, samples: Path) -> None:
    for name, (capture, scenario) in SAMPLES.items():
        truth = json.loads((recordings / f"{scenario}.truth.json").read_text())
        shutil.copyfile(recordings / capture, samples / f"{name}.pcap")
        shutil.copyfile(recordings / f"{scenario}.keys", samples / f"{name}.keys")
        if (private_key := recordings / f"{scenario}.key.pem").exists():
            shutil.copyfile(private_key, samples / f"{name}.pem")
        (samples / f"{name}.truth.json").write_text(lines(trimmed(truth, capture)) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} RECORDINGS")
    main(Path(sys.argv[1]), Path(__file__).resolve().parent)
