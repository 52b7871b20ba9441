"""Makes one recording: builds the network, starts the parts, lets the story happen, writes captures, keys and truth.

A `Recording` is also what a story gets: it can wait for something to happen and then break something.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from samples.lab import journal, middle
from samples.lab.journal import Journal
from samples.lab.network import BACK_NET, DEVICE_NET, ROAMED_NET, SERVER, Network, Process
from samples.lab.scenario import POINTS, Named, Script
from samples.lab.truth import assemble

FIRST_PORT, PORTS_A_DEVICE = 40_000, 100
AFTER_S = 0.7  # the recording goes on for so long after the devices have ended
LONGEST_S = 110.0
SECRETS = "keys"


class Recording:
    """One run of one scenario."""

    def __init__(self, named: Named, net: Network, work: Path) -> None:
        self.named, self.net, self.work = named, net, work
        self.scenario = named.scenario
        self.devices = max(1, len(self.scenario.scripts))
        self.events = Journal(str(work / "events.journal"))
        self.certificate = str(work / "server.pem")
        self.server: Process | None = None
        self.wires: dict[str, Process] = {}
        self.running: list[Process] = []  # devices

    # --------------------------------------------------------------------------------------------- for stories

    def after(self, command: str, times: int, wait_s: float = 0.0, device: int = 0) -> None:
        """Waits until the device asks for this command for the n-th time, and then so many seconds."""

        def asked(entry: journal.Entry) -> bool:
            return bool(entry["kind"] == "asks" and entry["cmd"] == command)

        journal.follow(self.work / f"device{device}.journal", asked, times)
        time.sleep(wait_s)

    def deliver(self, folder: str = "5") -> None:
        """New mail."""
        assert self.server is not None
        assert self.server.stdin is not None
        self.server.stdin.write(json.dumps({"do": "deliver", "folder": folder}).encode() + b"\n")
        self.server.stdin.flush()

    def end_server(self, how: signal.Signals) -> None:
        assert self.server is not None
        self.events.write("kill", what="server", sig=int(how))
        self.net.end(self.server, how)

    def start_server(self) -> None:
        scenario, proxied = self.scenario, self.scenario.proxy
        options = {
            "listen": f"{BACK_NET}.10" if proxied else SERVER,
            "port": proxied.back_port if proxied else 443,
            "journal": str(self.work / "server.journal"),
            "certificate": None if proxied and proxied.mode == "http" else self.certificate,
            **scenario.server,
        }
        module = "server"
        if scenario.stranger:
            module, options = "strangers", {**options, "role": "server", "kind": scenario.stranger}
        ready = sum(entry["kind"] == "ready" for entry in journal.read(self.work / "server.journal"))
        self.server = self.net.start_python("srv", module, options, log="server")
        journal.follow(self.work / "server.journal", lambda entry: entry["kind"] == "ready", ready + 1)

    def cut(self, wire: str) -> None:
        """Nothing passes a wire any more: "air" (no coverage) or "wan" (the server's kernel is gone)."""
        self.events.write("cut", wire=wire)
        self.net.end(self.wires[wire])

    def join(self, wire: str) -> None:
        """The wire carries again."""
        options = {"interfaces": ["left", "right"], **getattr(self.scenario, wire)}
        self.wires[wire] = self.net.start_python(wire, "link", options, log=wire)
        self.events.write("joined", wire=wire)

    def restart_device(self, script: Script) -> None:
        """The first device is switched off without a word and comes back with a new script; its kernel knows nothing.

        It must be out of coverage, or its kernel's last words would be heard.
        """
        self.events.write("device_restart")
        self.net.end(self.running[0], signal.SIGKILL)
        self.net.run("dev", "ss", "-K", "dst", SERVER)
        self.running.append(self._device(0, script=script, first_port=FIRST_PORT + PORTS_A_DEVICE // 2))

    def move_device(self) -> None:
        """The device leaves its network and gets an address in another one."""
        self.events.write("roam")
        self.net.run("dev", "ip", "address", "del", f"{DEVICE_NET}.20/24", "dev", "eth0")
        self.net.run("dev", "ip", "address", "add", f"{ROAMED_NET}.20/24", "dev", "eth0")
        self.net.run("dev", "ip", "route", "replace", "default", "via", f"{ROAMED_NET}.1")

    # ----------------------------------------------------------------------------------------------- the run

    def run(self) -> None:
        make_certificate(Path(self.certificate))
        for wire in ("air", "wan"):
            self.join(wire)
        self._firewall()
        recorders = [self._record(point) for point in POINTS]
        self.start_server()
        self._proxy()
        if self.scenario.box is not None:
            options = {"journal": str(self.work / "box.journal"), **self.scenario.box}
            self.net.start_python("fw", "box", options, log="box")
            journal.follow(self.work / "box.journal", lambda entry: entry["kind"] == "ready")
        self.running = [self._device(number) for number in range(self.devices)]
        if self.scenario.story is not None:
            self.scenario.story(self)
        deadline = time.monotonic() + LONGEST_S
        for device in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                device.wait(max(0.0, deadline - time.monotonic()))
        time.sleep(AFTER_S)
        self.events.write("recording_ended")
        for recorder in recorders:
            self.net.end(recorder, signal.SIGINT)

    def _firewall(self) -> None:
        self.net.run("fw", "sysctl", "-qw", *middle.sysctls(self.scenario.firewall))
        self.net.run("fw", "nft", "-f", "-", text=middle.rules(self.scenario.firewall, self.devices))
        self.net.start("fw", "conntrack", "-E", "-o", "timestamp", log="conntrack")

    def _record(self, point: str) -> Process:
        behind = self.scenario.proxy
        port = behind.back_port if behind and point == "srv" else 443
        file = str(self.work / f"{self.named.name}.{point}.pcap")
        command = [
            "tcpdump",
            "-n",
            "-i",
            "eth0",
            "-w",
            file,
            "-U",
            "--immediate-mode",
            "-Z",
            "root",
            f"tcp port {port} or icmp or arp",
        ]
        recorder = self.net.start(point, *command, log=f"tcpdump-{point}")
        self.net.said(f"tcpdump-{point}", "listening on")
        return recorder

    def _proxy(self) -> None:
        proxy = self.scenario.proxy
        if proxy is None:
            return
        file = self.work / f"{proxy.program}.conf"
        if proxy.program == "nginx":
            file.write_text(middle.nginx(proxy, str(self.work), self.certificate))
            self.net.start("proxy", "nginx", "-c", str(file), log="proxy")
        else:
            file.write_text(middle.haproxy(proxy, self.certificate))
            self.net.start("proxy", "haproxy", "-f", str(file), log="proxy")
        deadline = time.monotonic() + 10
        while ":443" not in self.net.run("proxy", "ss", "-ltn"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{proxy.program} does not listen")
            time.sleep(0.05)

    def _device(self, number: int, **changed: Any) -> Process:
        scenario = self.scenario
        options: dict[str, Any] = {
            "name": f"LAB{number:02d}",
            "server": SERVER,
            "port": 443,
            "source": f"{DEVICE_NET}.{20 + number}",
            "first_port": FIRST_PORT + number * PORTS_A_DEVICE,
            "journal": str(self.work / f"device{number}.journal"),
            "keylog": str(self.work / f"{self.named.name}.{SECRETS}"),
            **scenario.device,
        }
        if scenario.stranger:
            options |= {"role": "client", "kind": scenario.stranger}
            return self.net.start_python("dev", "strangers", options, log=f"device{number}")
        options |= {"script": scenario.scripts[number], **changed}
        return self.net.start_python("dev", "device", options, log=f"device{number}")


def record(named: Named, number: int, into: Path, keep_logs: bool = False) -> Path:
    """Records one scenario; returns its truth file. What the parts said is kept when something goes wrong."""
    into.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"directpush-lab-{named.name}-"))
    devices = max(1, len(named.scenario.scripts))
    try:
        with Network(number, work, proxy=named.scenario.proxy is not None, devices=devices) as net:
            Recording(named, net, work).run()
        captures = {
            f"{named.name}.{point}.pcap": {
                "point": point,
                "bytes": (work / f"{named.name}.{point}.pcap").stat().st_size,
            }
            for point in POINTS
        }
        truth = assemble(named, work, devices, captures, versions())
        for name in (*captures, f"{named.name}.{SECRETS}"):
            shutil.copy(work / name, into / name)
        target = into / f"{named.name}.truth.json"
        target.write_text(json.dumps(truth, indent=1))
    except BaseException:
        if journal.STOP.is_set():
            shutil.rmtree(work)
        else:
            print(f"{named.name}: failed; what the parts said is in {work}", file=sys.stderr)
        raise
    if not keep_logs:
        shutil.rmtree(work)
    return target


def make_certificate(path: Path) -> None:
    """A self-signed certificate and its key in one file."""
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=eas.lab.test"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    subprocess.run([*command, "-keyout", str(path), "-out", f"{path}.crt"], check=True, capture_output=True)
    with path.open("a") as file:
        file.write(Path(f"{path}.crt").read_text())


@cache
def versions() -> dict[str, str]:
    """The programs that took part."""
    ask: dict[str, Callable[[], list[str]]] = {
        "kernel": lambda: ["uname", "-r"],
        "nginx": lambda: ["nginx", "-v"],
        "haproxy": lambda: ["haproxy", "-v"],
        "nftables": lambda: ["nft", "--version"],
        "conntrack-tools": lambda: ["conntrack", "--version"],
        "tcpdump": lambda: ["tcpdump", "--version"],
        "openssl": lambda: ["openssl", "version"],
    }
    found = {"python": sys.version.split()[0]}
    for name, command in ask.items():
        done = subprocess.run(command(), capture_output=True, text=True, check=False)
        found[name] = (done.stdout or done.stderr).strip().splitlines()[0]
    return found
