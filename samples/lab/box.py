"""A box in the path that ends connections by itself with forged RSTs: after an idle time or at an age.

`python -m samples.lab.box OPTIONS`; OPTIONS is JSON: journal, idle_s or age_s, towards ("device", "server" or both),
ttl (the forged packets' own; null: that of the peer's last packet), ack, copies (several RSTs with different sequence
numbers), forget (whether the firewall loses the connection's state as well). It runs beside the firewall, sees both of
its legs and speaks on each with the other side's address and the expected sequence number, as such boxes do.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from samples.lab.journal import Journal
from samples.lab.link import packet_socket

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
ETHERNET, IPV4_TCP = 14, 0x0800
SERVER_PORT = 443
LEGS = {"device": "lan0", "server": "wan0"}
SWEEP_S = 0.05
Key = tuple[bytes, int]  # server address, device port (the NAT keeps ports)


@dataclass
class Leg:
    """One connection on one leg: what the box must know to speak for the far side."""

    frame: bytes = b""  # the far side's last frame towards this leg's host: addresses, TTL
    next_seq: int = 0  # of the far side
    next_ack: int = 0  # the next sequence number of this leg's host


@dataclass
class Life:
    born: float
    last: float
    established: bool = False
    legs: dict[str, Leg] = field(default_factory=lambda: {name: Leg() for name in LEGS})


def checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def forged(leg: Leg, ttl: int | None, ack: bool, ahead: int = 0) -> bytes:
    """A RST in the far side's name: the addresses of its last frame, the sequence number that is expected."""
    frame = leg.frame
    ip = bytearray(frame[ETHERNET : ETHERNET + 20])
    ip[0], ip[2:4] = 0x45, struct.pack("!H", 40)
    ip[4:6] = b"\0\0"
    if ttl is not None:
        ip[8] = ttl
    ip[10:12] = b"\0\0"
    ip[10:12] = struct.pack("!H", checksum(bytes(ip)))
    ports = frame[ETHERNET + (frame[ETHERNET] & 15) * 4 :][:4]
    flags = RST | (ACK if ack else 0)
    tcp = bytearray(
        ports
        + struct.pack("!IIBBHHH", leg.next_seq + ahead & 0xFFFFFFFF, leg.next_ack if ack else 0, 0x50, flags, 0, 0, 0)
    )
    pseudo = bytes(ip[12:20]) + struct.pack("!HH", 6, len(tcp))
    tcp[16:18] = struct.pack("!H", checksum(pseudo + bytes(tcp)))
    return frame[:ETHERNET] + bytes(ip) + bytes(tcp)


class Box:
    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.journal = Journal(options["journal"])
        self.sockets = {name: packet_socket(interface) for name, interface in LEGS.items()}
        self.lives: dict[Key, Life] = {}
        self.ended: set[Key] = set()

    def run(self) -> None:
        self.journal.write("ready")
        names = {sock: name for name, sock in self.sockets.items()}
        while True:
            for sock in select.select(list(names), [], [], SWEEP_S)[0]:
                frame = sock.recv(70_000)
                self._see(names[sock], frame)
            self._sweep()

    def _see(self, leg_name: str, frame: bytes) -> None:
        if struct.unpack_from("!H", frame, 12)[0] != IPV4_TCP or frame[ETHERNET + 9] != socket.IPPROTO_TCP:
            return
        header = (frame[ETHERNET] & 15) * 4
        tcp = ETHERNET + header
        source, destination, seq, _, offset, flags = struct.unpack_from("!HHIIBB", frame, tcp)
        from_server = source == SERVER_PORT
        if not from_server and destination != SERVER_PORT:
            return
        server = frame[ETHERNET + 12 : ETHERNET + 16] if from_server else frame[ETHERNET + 16 : ETHERNET + 20]
        key = (server, destination if from_server else source)
        if flags & SYN and not flags & ACK:
            self.ended.discard(key)
            self.lives[key] = Life(time.monotonic(), time.monotonic())
        life = self.lives.get(key)
        if life is None:
            return
        if flags & (RST | FIN):
            del self.lives[key]
            return
        length = struct.unpack_from("!H", frame, ETHERNET + 2)[0] - header - (offset >> 4) * 4
        after = seq + length + bool(flags & SYN) & 0xFFFFFFFF
        leg = life.legs[leg_name]
        if from_server == (leg_name == "device"):  # it comes from the far side of this leg
            leg.frame, leg.next_seq = frame, after
        else:
            leg.next_ack = after
        life.last = time.monotonic()
        life.established = life.established or length > 0

    def _sweep(self) -> None:
        now = time.monotonic()
        for key, life in list(self.lives.items()):
            idle_s, age_s = now - life.last, now - life.born
            if life.established and (
                idle_s >= self.options.get("idle_s", 1e9) or age_s >= self.options.get("age_s", 1e9)
            ):
                self._end(key, life, idle_s, age_s)

    def _end(self, key: Key, life: Life, idle_s: float, age_s: float) -> None:
        del self.lives[key]
        if self.options.get("forget"):
            command = ["conntrack", "-D", "-p", "tcp", "--sport", str(key[1])]
            subprocess.run(command, capture_output=True, check=False)
        for towards in self.options["towards"]:
            leg = life.legs[towards]
            for copy in range(self.options.get("copies", 1)):
                self.sockets[towards].send(
                    forged(leg, self.options.get("ttl"), self.options.get("ack", False), copy * 1460)
                )
        self.journal.write(
            "reset", port=key[1], towards=self.options["towards"], idle_s=round(idle_s, 3), age_s=round(age_s, 3)
        )


if __name__ == "__main__":
    Box(json.loads(sys.argv[1])).run()
