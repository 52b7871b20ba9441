"""The seam: what every engine yields and everything in `analyzer` is written on.

The kinds of event: `Connection` (one TCP life with its evidence), `Transaction` (one HTTP request and its response),
`Datagram` (a UDP payload of interest), `Unreachable` (an ICMP error), `TriggerMail` (SMTP that wakes a phone),
`DirectorySearch` (LDAP) and `Anomaly` (odd bytes). An engine yields what a connection carried before the connection
itself, and each connection exactly once, when it has ended or the capture has.

Units stand in the names: `_ns` is integer nanoseconds since the Unix epoch (or a span), `_bytes` is bytes. Frame
numbers are Wireshark's, from 1. `None` means not observed; zero means measured zero. Sides are `CLIENT` (0) and
`SERVER` (1).

What exists a million times in a large capture is a named tuple and not a frozen dataclass like the rest: immutable just
the same, and built in a quarter of the time or less.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

CLIENT = 0
SERVER = 1

Decryption = Literal["decrypted", "partial", "plaintext", "encrypted", "not_http"]


class Request(NamedTuple):
    """One HTTP request as it was on the wire."""

    start_ns: int  # time of the frame with its first byte
    end_ns: int  # time of the frame with its last byte seen
    first_frame: int
    last_frame: int
    method: str  # "": not known, HTTP/2 whose header table began before the capture
    target: str  # as sent: path and query; "": not known, likewise
    http_version: str  # "1.0", "1.1", "2"
    headers: Mapping[
        str, str
    ]  # lower-case names; repeated ones joined with ", "; secrets replaced (see dissectors.http)
    user: str | None  # user name of HTTP Basic authentication, never the password
    wire_bytes: int  # TCP payload that carried it, TLS records and their headers included
    http_bytes: int  # head and body as sent, chunk framing included, TLS removed
    body_bytes: int  # body as sent: still compressed, chunk framing removed
    decoded_bytes: int | None  # body after content decoding; None when it could not be decoded
    body: bytes | None  # the decoded body when it was kept, else None
    complete: bool  # every byte of it is in the capture


class Response(NamedTuple):
    """One final HTTP response as it was on the wire (1xx responses are not final and only counted)."""

    start_ns: int
    end_ns: int
    first_frame: int
    last_frame: int
    status: int  # 0: not known, likewise
    reason: str
    http_version: str
    headers: Mapping[str, str]
    wire_bytes: int
    http_bytes: int
    body_bytes: int
    decoded_bytes: int | None
    body: bytes | None
    complete: bool


class StreamReset(NamedTuple):
    """An HTTP/2 stream that was reset (RST_STREAM, RFC 9113 6.4): the wait on it ended, the connection did not."""

    side: int  # who sent it
    frame: int
    time_ns: int
    error_code: int  # RFC 9113 7: 0 NO_ERROR, 7 REFUSED_STREAM, 8 CANCEL, ...


class GoAway(NamedTuple):
    """A side said that it takes no more HTTP/2 streams (GOAWAY, RFC 9113 6.8): it is about to end the connection."""

    side: int
    frame: int
    time_ns: int
    last_stream_id: int
    error_code: int  # RFC 9113 7: 0 NO_ERROR


class Transaction(NamedTuple):
    """A request and its response on one connection; either may be missing, never both."""

    connection_id: int
    number: int  # 1 for the first request on its connection
    request: Request | None  # None: the capture began in the middle of the exchange
    response: Response | None  # None: no answer was seen
    stream_id: int | None = None  # HTTP/2 only
    stream_reset: StreamReset | None = None  # HTTP/2 only: the stream ended so, before or after an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """One TCP segment with RST, and what is needed to judge who sent it."""

    side: int  # which side's address it carries
    frame: int
    time_ns: int
    has_ack: bool
    ttl: int
    mac: str | None  # source link-layer address of this frame
    window: int
    payload_bytes: int
    after_frame: int | None  # the connection's packet before it
    after_side: int | None
    after_ns: int | None  # time between that packet and the RST


class PacketNote(NamedTuple):
    """One of the last packets of a connection."""

    side: int
    frame: int
    time_ns: int
    flags: int  # TCP flags, low byte
    relative_seq: int  # from that side's first sequence number; modulo 2**32
    payload_bytes: int
    ttl: int


class Turn(NamedTuple):
    """New payload of one side, without payload of the other between and without a pause: see dissectors.net.turns."""

    side: int
    start_ns: int
    end_ns: int
    first_frame: int
    last_frame: int
    payload_bytes: int
    segments: int
    first_byte: int  # of its first segment: the type of a TLS record where one begins there; -1: not captured


class Side(NamedTuple):
    """What one side of a connection sent, as seen at the capture point."""

    ip: str
    port: int
    frames: int
    payload_bytes: int  # TCP payload in the capture, retransmissions not counted
    missing_bytes: int  # were on the wire, are not in the capture; a lower bound where nothing was reassembled
    retransmissions: int
    duplicate_frames: int  # the same packet captured more than once (`-i any`, mirror ports)
    keepalives: int
    zero_windows: int
    ttl_min: int | None  # over this side's packets other than RST
    ttl_max: int | None
    mac: str | None  # source link-layer address of its first frame
    macs_differ: bool  # some frame (RST apart) had another one
    first_ns: int | None
    last_ns: int | None  # its last packet of any kind
    last_frame: int | None
    last_data_ns: int | None  # its last new payload
    last_data_frame: int | None
    fin_ns: int | None
    fin_frame: int | None
    rtt_ns: int | None  # smallest time from a packet of the other side to this side's acknowledgement of it
    unacked_bytes: int  # payload it sent that the other side had not acknowledged when the connection ended
    unanswered_retransmissions: int  # how often it repeated its last bytes without any answer
    unanswered_since_ns: int | None  # when the bytes that were never acknowledged were first sent


class TlsFacts(NamedTuple):
    """What the TLS handshake and records of a connection said, with or without keys."""

    version: str | None  # "TLS 1.2", "TLS 1.3", ...
    cipher: str | None  # IANA name
    sni: str | None
    alpn: str | None
    resumed: bool | None
    client_random: str | None  # hexadecimal; public, sent in clear
    close_notify_ns: tuple[int | None, int | None]  # by side
    close_notify_frame: tuple[int | None, int | None]
    alerts: tuple[tuple[int, int, int, int], ...]  # (side, frame, level, description), close_notify left out
    certificates: tuple[tuple[bytes, ...], tuple[bytes, ...]] = ((), ())  # by side: DER, leaf first, as sent
    client_went_on: bool | None = None  # it changed cipher after the server's flight; None: TLS 1.3, or bytes missing


class Connection(NamedTuple):
    """One TCP life."""

    connection_id: int  # from 1, in order of first frames
    capture: int  # which capture it is in, from 0
    start_ns: int
    end_ns: int  # time of its last packet
    first_frame: int
    last_frame: int
    client: Side
    server: Side
    handshake_ns: int | None  # from SYN to the ACK that completes the handshake
    from_start: bool  # its SYN is in the capture
    conn_state: str  # Zeek's words: S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH
    history: str  # Zeek's letters: upper case client, lower case server
    first_close: Literal["fin", "rst"] | None  # the first packet that ended it, and whose address it carries
    first_close_side: int | None
    first_close_ns: int | None
    first_close_frame: int | None
    resets: tuple[Reset, ...]
    last_packets: tuple[
        PacketNote, ...
    ]  # oldest first, copies left out; empty where nothing was read and nothing can have waited
    evicted: bool  # given up after long silence or for room, not at the end of the capture
    tls: TlsFacts | None
    decryption: Decryption
    why_encrypted: str | None
    duplicate_of: int | None  # the same bytes seen at another point of the path (another NAT leg): that connection's id
    goaway: GoAway | None = None  # the first one
    turns: tuple[Turn, ...] = ()  # who spoke when; empty where it was read, or is short, or is nothing of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Datagram:
    """One UDP payload on a port of interest."""

    capture: int
    frame: int
    time_ns: int
    source_ip: str
    source_port: int
    destination_ip: str
    destination_port: int
    payload: bytes
    complete: bool  # False: cut by the snap length


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """An ICMP or ICMPv6 error: somebody says that a TCP or UDP packet, which it quotes, was not delivered."""

    capture: int
    frame: int
    time_ns: int
    reporter_ip: str  # who says so
    kind: str  # a word of dissectors.net.icmp.KINDS: port_unreachable, prohibited, too_big, ...
    protocol: Literal["tcp", "udp"]
    source_ip: str  # of the quoted packet, as all that follows
    source_port: int
    destination_ip: str
    destination_port: int
    seq: int | None  # TCP
    payload: bytes  # what is quoted of it; empty for TCP


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerMail:
    """A mail that looks like the trigger of an SMS (AUTD v1): facts of its envelope and shape, none of its text."""

    connection_id: int
    capture: int
    start_ns: int  # of its MAIL command
    first_frame: int
    time_ns: int  # of its last byte
    frame: int
    recipient: str  # the only one
    numeric: bool  # the recipient is a telephone number at some domain
    gateway: bool  # the domain is named as gateways to SMS are
    from_exchange: bool  # its header says that Exchange or the SMTP service of Windows handled it
    message_bytes: int  # header and body as sent
    accepted: bool | None  # None: no answer to it was seen


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectorySearch:
    """One LDAP search or bind (RFC 4511) with its result; of what it found only the number."""

    connection_id: int
    capture: int
    operation: Literal["search", "bind", "sealed"]  # sealed: from here on a security layer hides what is said
    start_ns: int
    first_frame: int
    end_ns: int | None  # of its final result; None: it is not in the capture
    last_frame: int | None
    rounds: int  # requests; a bind may take several
    mechanism: str | None  # of a bind: anonymous, simple, sicily or the SASL mechanism
    scope: str | None  # of a search: base, one, subtree
    searched_by: str | None  # attribute whose value names the user
    user: str | None  # that value
    result_code: int | None  # RFC 4511 4.1.9: 0 success, 49 invalid credentials, ...
    entries: int
    bytes_client: int  # LDAP messages
    bytes_server: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """Odd bytes: something that the protocol does not allow, or that could not be followed."""

    code: str  # snake_case, listed in analyzer.tables
    frame: int | None
    time_ns: int | None
    detail: str  # in words; holds no secret and no personal text
    connection_id: int | None = None
    capture: int = 0


Event = Connection | Transaction | Datagram | Unreachable | TriggerMail | DirectorySearch | Anomaly
