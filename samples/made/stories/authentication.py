"""Signing in on both legs, and the directory asked in between: what each answer waited for, and what was refused.

HTTP authentication follows RFC 7617 and MS-NTHT, LDAP RFC 4511 with the long lengths of Active Directory; the tokens
are invented and say nothing.
"""

from __future__ import annotations

from typing import Any

from samples.made import eas
from samples.made.stage import DEVICE, FRONT_END, MAILBOX_SERVER, START_US, Stage
from samples.made.wire import SECOND_US, Host, Tcp

NAME = "authentication"
ABOUT = (
    "Anna's phone connects anew for each of six Syncs and waits each time to be asked for its password (401, then "
    "Basic). The front-end looks her up in the directory (10.0.0.10, ports 389 and 3268), once slowly, and signs in to "
    "the mailbox server 10.0.0.5 with NTLM in two rounds. Ben's mailbox server 10.0.0.6 refuses the front-end (403), "
    "so Ben gets 500. Carla's phone is sent to fetch the policy (449) again and again. One connection to the directory "
    "is LDAP over TLS."
)

DIRECTORY = Host("10.0.0.10", "02:00:00:00:00:0a")
OTHER_MAILBOX_SERVER = Host("10.0.0.6", "02:00:00:00:00:06")
BEN = Host("10.9.0.21", "02:00:00:00:09:21", 61)
CARLA = Host("10.9.0.22", "02:00:00:00:09:22", 61)
CHALLENGE = 'WWW-Authenticate: Basic realm="mail.corp.example"\r\n'
LOOKUP_MS = (12.0, 9.0, 910.0, 11.0, 14.0, 8.0)
BACKEND_MS = 40.0


def make() -> Stage:
    stage = Stage(seen="one capture point at the front-end")
    stage.more = {"searches": [], "authentications": [], "answer_shares": []}
    directory = Tcp(stage.wire, FRONT_END, DIRECTORY, 389, _us(0.5))
    catalog = Tcp(stage.wire, FRONT_END, DIRECTORY, 3268, _us(0.6))
    _bind(directory, 0.55)
    for number, lookup_ms in enumerate(LOOKUP_MS):
        _anna(stage, (directory, catalog)[number % 2], 10.0 + 60.0 * number, number, lookup_ms)
    _ben(stage, 25.0)
    _carla(stage, 40.0)
    hidden = Tcp(stage.wire, FRONT_END, DIRECTORY, 3269, _us(5.0))
    hello = bytes.fromhex("160301002f0100002b0303") + bytes(range(32)) + bytes.fromhex("00 0002 000a 01 00 0000")
    hidden.say(_us(5.01), FRONT_END, hello)
    hidden.say(_us(5.02), DIRECTORY, bytes.fromhex("15030100020228"))  # alert: fatal, handshake failure
    hidden.close(_us(5.03), DIRECTORY)
    directory.close(_us(400.0), FRONT_END)
    catalog.close(_us(400.1), FRONT_END)
    return stage


def _anna(stage: Stage, directory: Tcp, at: float, number: int, lookup_ms: float) -> None:
    """One Sync: 401, Basic; look-up; NTLM to the mailbox server; answer."""
    link = Tcp(stage.wire, DEVICE, FRONT_END, 80, _us(at) - 150_000, latency_us=45_000)
    asked, said = eas.sync({"5": number + 1}, {"5": 1})
    signed = eas.request("Sync", asked)
    link.say(_us(at), DEVICE, _unsigned(signed))
    link.say(_us(at + 0.004), FRONT_END, _refusal("401 Unauthorized", CHALLENGE))
    begin = round(at + 0.1, 6)
    link.say(_us(begin), DEVICE, signed)
    _search(stage, directory, begin + 0.005, lookup_ms, "anna", number + 2)
    behind = round(begin + 0.005 + lookup_ms / 1e3 + 0.01, 6)
    done = _ntlm(stage, behind, "anna")
    answered = round(done + 0.015, 6)
    link.say(_us(answered), FRONT_END, eas.response(said))
    link.close(_us(answered + 1.0), FRONT_END)
    stage.more["authentications"].append({"leg": "front", "scheme": "basic", "rounds": 1, "time_ms": 100.0})
    stage.more["answer_shares"].append(
        {
            "answer_ms": round((answered - begin) * 1e3, 3),
            "directory_ms": lookup_ms,
            "backend_ms": round((done - behind) * 1e3 - 2 * 2.0, 3),  # between its three requests it is not asked
        }
    )


def _ntlm(stage: Stage, at: float, user: str) -> float:
    """PROPFIND on a new connection: two challenges, then the answer. Returns when that came."""
    link = Tcp(stage.wire, FRONT_END, MAILBOX_SERVER, 80, _us(at) - 2_000)
    path = f"/exchange/{user}/Inbox/"
    token = "TlRMTVNTUAABAAAAB4IIAAAAAAAAAAAAAAAAAAAAAAA="  # type 1, no names in it
    offer = "WWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\n"
    time = at
    for header, answer in (
        ("", _refusal("401 Unauthorized", offer)),
        (f"Authorization: NTLM {token}\r\n", _refusal("401 Unauthorized", f"WWW-Authenticate: NTLM {token}\r\n")),
        (f"Authorization: NTLM {token}\r\n", b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 0\r\n\r\n"),
    ):
        link.say(_us(time), FRONT_END, _propfind(path, header))
        came = round(time + (0.003 if answer[9:12] == b"401" else BACKEND_MS / 1e3), 6)
        link.say(_us(came), MAILBOX_SERVER, answer)
        time = round(came + 0.002, 6)
    link.close(_us(came + 2.0), FRONT_END)
    stage.more["authentications"].append({"leg": "back", "scheme": "ntlm", "rounds": 2, "time_ms": 10.0})
    return came


def _ben(stage: Stage, at: float) -> None:
    link = Tcp(stage.wire, BEN, FRONT_END, 80, _us(at) - 150_000, latency_us=45_000)
    behind = Tcp(stage.wire, FRONT_END, OTHER_MAILBOX_SERVER, 80, _us(at) - 100_000)
    for number in range(3):
        begin = at + number * 20.0
        link.say(_us(begin), BEN, eas.request("Sync", eas.sync({"5": 1}, {})[0], "ben", "BEN000001"))
        behind.say(_us(begin + 0.01), FRONT_END, _propfind("/exchange/ben/Inbox/", "Authorization: Negotiate YII=\r\n"))
        behind.say(_us(begin + 0.02), OTHER_MAILBOX_SERVER, _refusal("403 Forbidden", ""))
        link.say(_us(begin + 0.03), FRONT_END, _refusal("500 Internal Server Error", ""))
    link.close(_us(at + 60.0), BEN)
    behind.close(_us(at + 61.0), FRONT_END)
    stage.more["authentications"].append({"leg": "front", "scheme": "basic", "rounds": 0, "time_ms": 0.0})
    stage.more["authentications"].append({"leg": "back", "scheme": "negotiate", "rounds": 0, "time_ms": 0.0})


def _carla(stage: Stage, at: float) -> None:
    link = Tcp(stage.wire, CARLA, FRONT_END, 80, _us(at) - 150_000, latency_us=45_000)
    for number in range(4):
        begin = at + number * 30.0
        link.say(_us(begin), CARLA, eas.request("Sync", eas.sync({"5": 1}, {})[0], "carla", "CARLA00001"))
        link.say(_us(begin + 0.02), FRONT_END, _refusal("449 Retry after sending a PROVISION command", ""))
    link.close(_us(at + 120.0), CARLA)
    stage.more["authentications"].append({"leg": "front", "scheme": "basic", "rounds": 0, "time_ms": 0.0})


def _search(stage: Stage, link: Tcp, at: float, took_ms: float, user: str, message_id: int) -> None:
    from scapy.layers import ldap

    asked = ldap.LDAP_SearchRequest(
        baseObject=b"DC=corp,DC=example",
        scope=2,
        filter=ldap.LDAP_Filter.from_rfc2254_string(f"(&(objectCategory=person)(sAMAccountName={user}))"),
        attributes=[],
    )
    entry = ldap.LDAP_SearchResponseEntry(objectName=f"CN={user},DC=corp,DC=example".encode(), attributes=[])
    done = ldap.LDAP_SearchResponseResultDone(resultCode=0)
    link.say(_us(at), FRONT_END, _message(message_id, asked))
    link.say(_us(at + took_ms / 1e3), DIRECTORY, _message(message_id, entry) + _message(message_id, done))
    stage.more["searches"].append({"time": _us(at) / SECOND_US, "user": user, "entries": 1, "time_ms": took_ms})


def _bind(link: Tcp, at: float) -> None:
    """GSS-SPNEGO in two rounds, without signing or sealing afterwards."""
    from scapy.layers import ldap

    for step, (code, token) in enumerate(((14, b"invented 1"), (0, b"invented 2"))):
        credentials = ldap.LDAP_Authentication_SaslCredentials(mechanism=b"GSS-SPNEGO", credentials=token)
        asked = ldap.LDAP_BindRequest(version=3, bind_name=b"", authentication=credentials)
        said = ldap.LDAP_BindResponse(resultCode=code)
        link.say(_us(at + 0.01 * step), FRONT_END, _message(1, asked))
        link.say(_us(at + 0.01 * step + 0.004), DIRECTORY, _message(1, said))


def _message(message_id: int, operation: Any) -> bytes:
    """With lengths of four bytes, as Active Directory writes them."""
    from scapy.layers.ldap import LDAP

    short = bytes(LDAP(messageID=message_id, protocolOp=operation))
    skip = 2 + (short[1] & 0x7F if short[1] & 0x80 else 0)
    content = short[skip:]
    return b"\x30\x84" + len(content).to_bytes(4, "big") + content


def _propfind(path: str, header: str) -> bytes:
    return f"PROPFIND {path} HTTP/1.1\r\nHost: be1.corp.example\r\n{header}Content-Length: 0\r\n\r\n".encode()


def _unsigned(request: bytes) -> bytes:
    head, _, rest = request.partition(b"Authorization: ")
    return head + rest.partition(b"\r\n")[2]


def _refusal(status: str, header: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nServer: Microsoft-IIS/6.0\r\n{header}Content-Length: 0\r\n\r\n".encode()


def _us(seconds: float) -> int:
    return START_US + round(seconds * SECOND_US)
