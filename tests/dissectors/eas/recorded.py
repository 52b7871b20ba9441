"""Bodies of the recorded captures, cut out by tshark, so that nothing but this package is under test."""

import json
import subprocess

from dissectors.events import Request, Response, Transaction
from tests.support.places import recording

NAMES = ["a_healthy", "g_tls13", "q_empty", "s_hsync", "y_healthy"]


def tshark(name: str, *options: str) -> str:
    command = ["tshark", "-r", str(recording(f"{name}.dev.pcap")), "-o", f"tls.keylog_file:{recording(f'{name}.keys')}"]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout


def transactions(name: str) -> list[tuple[Transaction, int]]:
    """(transaction, frame of the answer) in order of the requests, as tshark sees them."""
    requests: dict[int, Request] = {}
    found: list[tuple[Transaction, int]] = []
    for line in tshark(name, "-Y", "http", "-T", "ek", "-x", "-J", "http frame").splitlines():
        layers = json.loads(line).get("layers")
        if not layers:
            continue
        http = {key.removeprefix("http_http_"): value for key, value in layers["http"].items()}
        frame = int(layers["frame"]["frame_frame_number"])
        body = bytes.fromhex(http.get("file_data_raw") or "")
        lines = http.get("request_line") or http.get("response_line") or []
        pairs = (text.split(":", 1) for text in lines)
        headers = {pair[0].lower(): pair[1].strip() for pair in pairs}
        size = len(body)
        if "request_method" in http:
            requests[frame] = Request(
                0, 0, frame, frame, http["request_method"], http["request_uri"], "1.1", headers, None, size, size, size,
                size, body, True,
            )  # fmt: skip
        else:
            answer = Response(
                0, 0, frame, frame, int(http["response_code"]), "", "1.1", headers, size, size, size, size, body, True
            )
            found.append((Transaction(1, len(found) + 1, requests[int(http["request_in"])], answer), frame))
    return sorted(found, key=lambda pair: pair[0].request.first_frame if pair[0].request else 0)


def wbxml_bodies(name: str) -> list[bytes]:
    """All different bodies of a recording that are WBXML."""
    sides = [side for transaction, _ in transactions(name) for side in (transaction.request, transaction.response)]
    bodies = [side.body for side in sides if side is not None and side.body is not None]
    return list(dict.fromkeys(body for body in bodies if body.startswith(b"\x03")))
