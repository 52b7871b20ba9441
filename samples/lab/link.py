"""A wire with a length: carries Ethernet frames between two interfaces, later, and not all of them.

`python -m samples.lab.link OPTIONS` with OPTIONS as JSON: interfaces (two), delay_ms, jitter_ms, loss, duplicate,
reorder (shares of 1), seed. Kernels in small machines often lack sch_netem; this needs packet sockets only. Frames pass
with their virtio header, so that unfinished checksums and segments larger than the MTU stay what they are.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import random
import select
import socket
import sys
import time
from typing import Any

ETH_P_ALL = 3
SOL_PACKET, PACKET_VNET_HDR = 263, 15
MAX_FRAME = 70_000
REORDERED_BY_S = 0.015


def packet_socket(interface: str, *, virtio_header: bool = False) -> socket.socket:
    """Sees every frame of the interface and can send any."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    if virtio_header:
        sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    sock.bind((interface, ETH_P_ALL))
    return sock


def carry(options: dict[str, Any]) -> None:
    ends = [packet_socket(name, virtio_header=True) for name in options["interfaces"]]
    chance = random.Random(options.get("seed", 1))
    delay_s, jitter_s = options.get("delay_ms", 0) / 1000, options.get("jitter_ms", 0) / 1000
    under_way: list[tuple[float, int, int, bytes]] = []  # due, number, to which end, frame
    number, last_due = 0, [0.0, 0.0]
    while True:
        now = time.monotonic()
        while under_way and under_way[0][0] <= now:
            _, _, to, frame = heapq.heappop(under_way)
            with contextlib.suppress(OSError):  # the other end is down
                ends[to].send(frame)
        wait_s = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
        for sock in select.select(ends, [], [], wait_s)[0]:
            try:
                frame, address = sock.recvfrom(MAX_FRAME)
            except OSError:  # the interface went down
                continue
            if address[2] == socket.PACKET_OUTGOING:
                continue
            to = 1 - ends.index(sock)
            if chance.random() < options.get("loss", 0):
                continue
            for _ in range(1 + (chance.random() < options.get("duplicate", 0))):
                number += 1
                due = time.monotonic() + delay_s + chance.random() * jitter_s
                if chance.random() < options.get("reorder", 0):
                    due += REORDERED_BY_S
                else:
                    due = last_due[to] = max(due, last_due[to])  # jitter alone does not reorder
                heapq.heappush(under_way, (due, number, to, frame))


if __name__ == "__main__":
    carry(json.loads(sys.argv[1]))
