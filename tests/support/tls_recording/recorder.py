"""From a scenario (who talks, with which options, and what is said) to a recording of it.

The talk is a list of steps, each finished before the next begins: what one side says has been printed by the other
side's program, what a pressed key starts has come to rest on the wire. So the order of the bytes is the scenario's.
What is said must not begin with a letter that the programs take for a command (digits are safe).
"""

import os
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import shake_256
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock
from typing import NamedTuple

from dissectors.events import CLIENT, SERVER
from tests.support.tls_recording import identity
from tests.support.tls_recording.programs import Program, ProgramError
from tests.support.tls_recording.relay import Conversation, Relay
from tests.support.tls_recording.suites import Suite, has_option

PSK = "6d61696c2e74657374"
SERVER_KEYS, CLIENT_KEYS = "server.keys", "client.keys"
QUIET_S = 0.04  # so long nothing on the wire: what a pressed key started is over
TAIL_BYTES = 24  # of what one side said, looked for in what the other side prints
_TO_DIGITS = bytes(ord("0") + byte % 10 for byte in range(256))


class Says(NamedTuple):
    """A side's application writes."""

    side: int
    data: bytes


class Presses(NamedTuple):
    """A command letter of s_client or s_server: R, r, k, K, c ... The letter and its line end are not sent."""

    side: int
    letter: str


class Kills(NamedTuple):
    """A side's program dies: no close_notify."""

    side: int


class Ends(NamedTuple):
    """The connection ends by itself."""


class Unavailable(RuntimeError):
    """The scenario needs something that this OpenSSL does not have."""


Step = Says | Presses | Kills | Ends


def digits(seed: str, size: int) -> bytes:
    """Random text that is a command to no program, the same for the same seed."""
    return shake_256(seed.encode()).digest(size).translate(_TO_DIGITS)


def exchange(seed: str, up: int = 3000, down: int = 5000) -> tuple[Says, Says]:
    """One HTTP exchange whose bodies nobody else has. It looks like ActiveSync, whose bodies the analyzer keeps."""
    request, response = digits(f"{seed} up", up), digits(f"{seed} down", down)
    start = "POST /Microsoft-Server-ActiveSync HTTP/1.1", f"Host: {identity.HOST}"
    return (Says(CLIENT, _message(request, *start)), Says(SERVER, _message(response, "HTTP/1.1 200 OK")))


def _message(body: bytes, *start: str) -> bytes:
    head = (*start, "Content-Type: application/vnd.ms-sync.wbxml", f"Content-Length: {len(body)}", "", "")
    return "\r\n".join(head).encode() + body


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One connection of one s_client."""

    talk: tuple[Step, ...] = ()
    client: tuple[str, ...] = ()  # more options
    early: bytes = b""  # sent as 0-RTT data
    early_accepted: bool = True  # otherwise its bytes are nobody's
    shows: tuple[str, ...] = ()  # what the client's program must print, or this was not the scenario


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is to be recorded."""

    name: str
    suite: Suite
    server: tuple[str, ...] = ()  # more options of s_server
    client: tuple[str, ...] = ()  # more options of s_client, in every visit
    visits: tuple[Visit, ...] = ()  # none: one with an HTTP exchange
    server_version: str = ""  # other than the client's, for a handshake that fails
    configuration: str = ""  # of `[ssl]` for both, in the form of OpenSSL's configuration file
    identity: str = ""  # "rsa", "ecdsa", "dsa"; otherwise what the suite asks for
    client_identity: str = ""  # the same for a client that has a certificate
    shows: tuple[str, ...] = ()  # what the server's program must print

    def planned(self) -> tuple[Visit, ...]:
        return self.visits or (Visit(talk=exchange(self.name)),)


@dataclass(frozen=True)
class Recording:
    """What became of a scenario."""

    scenario: Scenario
    conversations: tuple[Conversation, ...]
    sent: tuple[tuple[bytes, bytes], ...]  # for each conversation what the client and the server said
    keylog: bytes  # of the server
    client_keylog: bytes
    rsa_key: Path | None  # PEM, the server's key where it is an RSA key
    printed: tuple[str, ...] = field(repr=False)  # by each client, and last by the server


class Recorder:
    """Records scenarios into a directory, each once, several at a time; `with` ends what is still being recorded."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._workers = ThreadPoolExecutor(os.cpu_count())
        self._started: dict[Scenario, Future[Recording]] = {}
        self._identities: dict[str, Path] = {}
        self._making_identity = Lock()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.shutdown(cancel_futures=True)

    def start(self, scenarios: Iterable[Scenario]) -> None:
        """Begins to record what will be asked for."""
        for scenario in scenarios:
            if scenario not in self._started:
                self._started[scenario] = self._workers.submit(self._record, scenario)

    def record(self, scenario: Scenario) -> Recording:
        """The recording; made here and now when nobody has begun with it."""
        waiting = self._started.get(scenario)
        if waiting is None or waiting.cancel():
            waiting = self._started[scenario] = Future()
            waiting.set_result(self._record(scenario))
        return waiting.result()

    def identity(self, kind: str, whose: str = "") -> Path:
        """The PEM file with key and certificate of "rsa", "ecdsa" or "dsa"; `whose` ("client-") makes another one."""
        name = whose + kind
        with self._making_identity:
            if name not in self._identities:
                self._identities[name] = identity.write_identity(self.directory, kind, name)
            return self._identities[name]

    def _record(self, scenario: Scenario) -> Recording:
        visits = scenario.planned()
        _check_options("s_server", scenario.server)
        for visit in visits:
            _check_options("s_client", scenario.client + visit.client)
        folder = Path(mkdtemp(dir=self.directory))
        configuration = _configuration(scenario, folder)
        common = _version_and_suite(scenario.suite)
        server_common = (f"-{scenario.server_version}",) if scenario.server_version else common
        server_options, client_options = self._credentials(scenario)
        listen: tuple[str, ...] = (
            "s_server",
            "-accept",
            "127.0.0.1:0",
            "-naccept",
            str(len(visits)),
            "-keylogfile",
            SERVER_KEYS,
        )
        listen += (*server_common, *server_options, *scenario.server)
        printed: list[str] = []
        with Program(*listen, directory=folder, configuration=configuration) as server, Relay(_port(server)) as relay:
            connect: tuple[str, ...] = (
                "s_client",
                "-connect",
                f"127.0.0.1:{relay.port}",
                "-servername",
                identity.HOST,
                "-no-CAfile",
            )
            connect += ("-keylogfile", CLIENT_KEYS, *common, *client_options, *scenario.client)
            for number, visit in enumerate(visits, start=1):
                options = (*connect, *visit.client, *_early_data(visit, folder))
                with Program(*options, directory=folder, configuration=configuration) as client:
                    _talk(visit, number, client, server, relay)
                    client.close_input()
                    relay.wait_for_end(number)
                printed.append(client.text())
                _demand(visit.shows, printed[-1], scenario.name)
            server.close_input()
            conversations = relay.conversations()
        printed.append(server.text())
        _demand(scenario.shows, printed[-1], scenario.name)
        return Recording(
            scenario=scenario,
            conversations=tuple(conversations),
            sent=tuple((_said(visit, CLIENT), _said(visit, SERVER)) for visit in visits),
            keylog=_content(folder / SERVER_KEYS),
            client_keylog=_content(folder / CLIENT_KEYS),
            rsa_key=self.identity("rsa") if self._kind(scenario) == "rsa" else None,
            printed=tuple(printed),
        )

    def _kind(self, scenario: Scenario) -> str:
        by_suite = {"RSA": "rsa", "ECDSA": "ecdsa", "DSS": "dsa", "any": "rsa"}
        return scenario.identity or by_suite.get(scenario.suite.authentication, "")

    def _credentials(self, scenario: Scenario) -> tuple[list[str], list[str]]:
        """The options of server and client that say who they are."""
        kind = self._kind(scenario)
        server = ["-cert", str(self.identity(kind))] if kind else ["-nocert"]
        client = ["-cert", str(self.identity(scenario.client_identity, "client-"))] if scenario.client_identity else []
        if "PSK" in scenario.suite.exchange:
            server += ["-psk", PSK]
            client += ["-psk", PSK]
        return server, client


def _check_options(command: str, options: tuple[str, ...]) -> None:
    for option in options:
        if option.startswith("-") and not has_option(command, option):
            raise Unavailable(f"openssl {command} has no option {option}")


def _configuration(scenario: Scenario, folder: Path) -> Path | None:
    """OpenSSL's configuration file, where the scenario has one."""
    if not scenario.configuration:
        return None
    path = folder / "openssl.cnf"
    path.write_text(
        "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = default\n"
        f"[default]\n{scenario.configuration}\n"
    )
    return path


def _early_data(visit: Visit, folder: Path) -> tuple[str, ...]:
    if not visit.early:
        return ()
    (folder / "early").write_bytes(visit.early)
    return ("-early_data", "early")


def _port(server: Program) -> int:
    """Where s_server listens, as it says itself."""
    line = server.wait_for(b"ACCEPT 127.0.0.1:")
    return int(server.wait_for(b"\n", len(line)))


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


def _version_and_suite(suite: Suite) -> tuple[str, ...]:
    if suite.version == "tls1_3":
        return ("-tls1_3", "-ciphersuites", suite.name)
    return (f"-{suite.version}", "-cipher", f"{suite.name}:@SECLEVEL=0")


def _talk(visit: Visit, number: int, client: Program, server: Program, relay: Relay) -> None:
    programs = (client, server)
    for step in visit.talk:
        match step:
            case Says(side, data):
                listener = programs[1 - side]
                start = listener.printed()
                programs[side].write(data)
                listener.wait_for(data[-TAIL_BYTES:], start)
            case Presses(side, letter):
                before = relay.seen()
                programs[side].write(f"{letter}\n".encode())
                relay.settle(before, QUIET_S)
            case Kills(side):
                programs[side].terminate()
            case Ends():
                relay.wait_for_end(number)


def _said(visit: Visit, side: int) -> bytes:
    said = b"".join(step.data for step in visit.talk if isinstance(step, Says) and step.side == side)
    return visit.early + said if side == CLIENT and visit.early_accepted else said


def _demand(texts: tuple[str, ...], printed: str, name: str) -> None:
    for text in texts:
        if text not in printed:
            raise ProgramError(f"{name}: {text!r} is not in what was printed:\n{printed[-3000:]}")
