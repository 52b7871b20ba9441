"""The lab's network: one set of namespaces for one recording, and everything that was started in them.

    dev ── air ── fw ── wan ── srv          device, radio, firewall with NAT, Internet, server
    dev ── air ── fw ── wan ── proxy ── srv

`air` and `wan` are wires (`samples.lab.link`): stopping one is losing coverage or losing the server's kernel. Leaving
the `with` block ends every process that was started here and removes the namespaces, whatever happened.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any, ClassVar, Self

ROOT = Path(__file__).resolve().parents[2]
DEVICE_NET, ROAMED_NET, PUBLIC_NET, BACK_NET = "192.168.10", "192.168.20", "203.0.113", "10.0.0"
SERVER = f"{PUBLIC_NET}.10"
PREFIX = "dplab"
TOOLS = ("ip", "nft", "conntrack", "tcpdump", "nginx", "haproxy", "openssl")
GRACE_S = 3.0

Process = subprocess.Popen[bytes]


def why_not() -> str | None:
    """Why no lab can be built here; None when it can."""
    if os.geteuid() != 0:
        return "the lab needs root: it makes network namespaces"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"the lab needs {', '.join(missing)} (Debian: iproute2 nftables conntrack tcpdump nginx-light haproxy)"
    name = f"{PREFIX}-{os.getpid():x}-try"
    try:
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
        if made.returncode:
            return f"network namespaces are not permitted here: {made.stderr.strip()}"
        tried = subprocess.run(
            ["ip", "netns", "exec", name, "nft", "add", "table", "inet", "try"],
            capture_output=True,
            text=True,
            check=False,
        )
        return f"nftables is not permitted here: {tried.stderr.strip()}" if tried.returncode else None
    finally:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


def sweep() -> None:
    """Removes what runs that were killed have left behind: their namespaces, and the processes in those."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=False).stdout
    for name in (line.split()[0] for line in listed.splitlines() if line.startswith(f"{PREFIX}-")):
        if Path(f"/proc/{int(name.split('-')[1], 16)}").exists():
            continue
        inside = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=False).stdout
        for pid in inside.split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


class Network:
    """The namespaces of one recording."""

    alive: ClassVar[set[Network]] = set()  # all that stand now

    def __init__(self, number: int, into: Path, *, proxy: bool, devices: int) -> None:
        self.into = into
        self._name = f"{PREFIX}-{os.getpid():x}-{number}"
        self._roles = ["dev", "air", "fw", "wan", "srv", *(["proxy"] if proxy else [])]
        self._devices = devices
        self._started: list[Process] = []

    def __enter__(self) -> Self:
        self.alive.add(self)
        try:
            self._build()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.remove()

    # -------------------------------------------------------------------------------------------------- processes

    def namespace(self, role: str) -> str:
        return f"{self._name}-{role}"

    def run(self, role: str, *command: str, text: str | None = None) -> str:
        """A command in a namespace, to its end."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.namespace(role), *command],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} in {role}: {done.stderr.strip()}")
        return done.stdout

    def start(self, role: str, *command: str, log: str, stdout: int | IO[bytes] | None = None) -> Process:
        """A command in a namespace that goes on; what it says goes into a log file."""
        with open(self.into / f"{log}.log", "ab") as file:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace(role), *command],
                stdin=subprocess.PIPE,
                stdout=stdout or file,
                stderr=file,
                cwd=ROOT,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def start_python(self, role: str, module: str, options: dict[str, Any], *, log: str) -> Process:
        return self.start(role, sys.executable, "-m", f"samples.lab.{module}", json.dumps(options), log=log)

    def said(self, log: str, words: str, timeout_s: float = 10.0) -> None:
        """Waits until a log has these words."""
        deadline = time.monotonic() + timeout_s
        path = self.into / f"{log}.log"
        while words not in path.read_text(errors="replace"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{log} does not say {words!r}: {path.read_text(errors='replace')[-300:]}")
            time.sleep(0.02)

    def end(self, process: Process, how: signal.Signals = signal.SIGTERM) -> None:
        """Ends a process that was started here, with its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(GRACE_S)

    # ------------------------------------------------------------------------------------------------- namespaces

    def _build(self) -> None:
        for role in self._roles:
            subprocess.run(["ip", "netns", "add", self.namespace(role)], check=True)
        server = "proxy" if "proxy" in self._roles else "srv"
        self._wire("dev", "eth0", "air", "left")
        self._wire("air", "right", "fw", "lan0")
        self._wire("fw", "wan0", "wan", "left")
        self._wire("wan", "right", server, "eth0")
        for role in self._roles:
            self.run(role, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv4.ip_forward=1")
        self._up("air", "lo", "left", "right")
        self._up("wan", "lo", "left", "right")
        addresses = [f"{DEVICE_NET}.{20 + i}/24" for i in range(self._devices)]
        self._up("dev", "lo", "eth0", addresses=addresses, gateway=f"{DEVICE_NET}.1")
        self._up("fw", "lo", "lan0", addresses=[f"{DEVICE_NET}.1/24", f"{ROAMED_NET}.1/24"])
        outside = [1, *range(20, 20 + self._devices), 40]
        self._up("fw", "wan0", addresses=[f"{PUBLIC_NET}.{last}/24" for last in outside])
        self._up(server, "lo", "eth0", addresses=[f"{SERVER}/24"])
        if server == "proxy":
            self._wire("proxy", "back0", "srv", "eth0")
            self._up("proxy", "back0", addresses=[f"{BACK_NET}.1/24"])
            self._up("srv", "lo", "eth0", addresses=[f"{BACK_NET}.10/24"])

    def _wire(self, one: str, its: str, other: str, others: str) -> None:
        ends = ["name", its, "netns", self.namespace(one), "type", "veth", "peer", "name", others]
        subprocess.run(["ip", "link", "add", *ends, "netns", self.namespace(other)], check=True)

    def _up(self, role: str, *interfaces: str, addresses: list[str] | None = None, gateway: str | None = None) -> None:
        lines = [f"link set {name} up" for name in interfaces]
        lines += [f"address add {address} dev {interfaces[-1]}" for address in addresses or []]
        lines += [f"route add default via {gateway}"] if gateway else []
        subprocess.run(["ip", "-n", self.namespace(role), "-batch", "-"], input="\n".join(lines), text=True, check=True)

    def remove(self) -> None:
        """Ends every process and removes the namespaces; a second time does no harm."""
        self.alive.discard(self)
        for process in reversed(self._started):
            self.end(process)
            if process.stdin:
                with contextlib.suppress(OSError):
                    process.stdin.close()
        for role in self._roles:
            subprocess.run(["ip", "netns", "del", self.namespace(role)], capture_output=True, check=False)
