"""The door: one line of tshark's EK output becomes a `Packet` of our own types. Nothing behind it sees a tshark string.

Every field is cast here and only here. tshark prints a field as a string, a number or a boolean, alone or in a list,
and `{"filtered": ...}` where it was not asked for; numbers are decimal or hexadecimal, times are Unix seconds (until
4.0) or RFC 3339 (later). What cannot be cast is None, as if it had not been there.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

Layer = Mapping[str, Any]

_SECOND = 1_000_000_000
_NO_LAYER: Layer = {}

PADDED = 0x8  # flag of an HTTP/2 frame


class Tcp(NamedTuple):
    """A TCP header, and what tshark says of the segment."""

    stream: int
    source_port: int
    destination_port: int
    flags: int
    seq: int
    ack: int
    window: int
    length: int  # payload on the wire
    retransmission: bool
    keepalive: bool
    ack_rtt_ns: int | None
    reassembled: int | None  # size of the message that this segment completes, where it came in several


class Udp(NamedTuple):
    """A UDP datagram."""

    source_port: int
    destination_port: int
    length: int  # of the payload on the wire
    payload: bytes


class Quote(NamedTuple):
    """An ICMP or ICMPv6 message, and the TCP or UDP packet that it quotes."""

    version: int
    kind: int
    code: int
    protocol: Literal["tcp", "udp"]
    source: str
    source_port: int
    destination: str
    destination_port: int
    seq: int | None
    payload: bytes  # of UDP


class Hello(NamedTuple):
    """A ClientHello, ServerHello or EncryptedExtensions message; None and empty: not said there."""

    kind: int
    version: int | None
    random: str | None
    session_id: str
    cipher: int | None
    sni: str | None
    alpn: str | None
    pre_shared_key: bool


class Tls(NamedTuple):
    """The TLS records that end in this packet."""

    lengths: tuple[int, ...]  # of each record, header left out
    contents: tuple[int, ...]  # content types that are known: in clear, or decrypted
    hidden: int  # records of TLS 1.3 that were encrypted on the wire
    version: int | None  # of the first record
    first_type: int  # of the first record, as on the wire
    hellos: tuple[Hello, ...]
    handshakes: tuple[int, ...]
    alerts: tuple[tuple[int, int], ...]
    reassembled: int | None
    opened: bool  # something inside was decrypted


class HttpMessage(NamedTuple):
    """An HTTP/1 message that ends in this packet."""

    method: str | None  # of a request
    target: str
    status: int | None  # of a response
    reason: str
    version: str
    lines: tuple[str, ...]  # header lines as sent
    request_in: int | None
    body_bytes: int  # as sent, chunk framing removed
    chunks: tuple[int, ...]
    body: bytes | None


class Http2Frame(NamedTuple):
    """An HTTP/2 frame that ends in this packet."""

    kind: int
    flags: int
    stream: int
    length: int
    headers: tuple[tuple[str, str], ...]
    padding: int  # with the byte that says how long it is
    data: bytes  # as sent, or the whole body decompressed
    error: int | None  # of RST_STREAM and GOAWAY
    last_stream: int | None  # of GOAWAY


class Packet(NamedTuple):
    """One packet of a capture, in tshark's words."""

    frame: int
    time_ns: int
    length: int
    captured: int
    encapsulation: int
    source: str
    destination: str
    ttl: int
    ip_id: int | None
    mac: str | None
    tcp: Tcp | None
    udp: Udp | None
    quote: Quote | None
    tls: Tls | None
    http: tuple[HttpMessage, ...]
    http2: tuple[Http2Frame, ...]


def packet(layers: Layer) -> Packet | None:
    """The packet in the `layers` of an EK line; None when it has no number or time."""
    frame = _first(layers, "frame")
    number, time_ns = _int(frame.get("frame_frame_number")), _time(frame.get("frame_frame_time_epoch"))
    if number is None or time_ns is None:
        return None
    length = _int(frame.get("frame_frame_len")) or 0
    protocols = _text(frame.get("frame_frame_protocols")).partition(":icmp")[0] + ":"
    ip_is_4 = protocols.rfind(":ip:") >= protocols.rfind(":ipv6:")  # the innermost of a tunnel
    ip, name = (_last(layers, "ip"), "ip_ip") if ip_is_4 else (_last(layers, "ipv6"), "ipv6_ipv6")
    return Packet(
        frame=number,
        time_ns=time_ns,
        length=length,
        captured=min(length, _int(frame.get("frame_frame_cap_len")) or 0),
        encapsulation=_int(frame.get("frame_frame_encap_type")) or 0,
        source=_text(ip.get(f"{name}_src")),
        destination=_text(ip.get(f"{name}_dst")),
        ttl=_int(ip.get("ip_ip_ttl" if ip_is_4 else "ipv6_ipv6_hlim")) or 0,
        ip_id=_int(ip.get("ip_ip_id")) if ip_is_4 else None,
        mac=_mac(layers),
        tcp=_tcp(layers) if "tcp" in layers else None,
        udp=_udp(layers) if "udp" in layers else None,
        quote=_quote(layers) if "icmp" in layers or "icmpv6" in layers else None,
        tls=_tls(layers) if "tls" in layers else None,
        http=_http(layers) if "http" in layers else (),
        http2=tuple(_http2(each) for each in _all(layers, "http2") if "http2_http2_type" in each),
    )


def _tcp(layers: Layer) -> Tcp | None:
    tcp = _last(layers, "tcp")
    stream = _int(tcp.get("tcp_tcp_stream"))
    source, destination = _int(tcp.get("tcp_tcp_srcport")), _int(tcp.get("tcp_tcp_dstport"))
    seq, length = _int(tcp.get("tcp_tcp_seq_raw")), _int(tcp.get("tcp_tcp_len"))
    flags = _int(tcp.get("tcp_tcp_flags"))
    if stream is None or source is None or destination is None or seq is None or length is None or flags is None:
        return None  # the header is cut
    remarks = {name for each in _all(tcp, "_ws_expert") for name in each}
    return Tcp(
        stream=stream,
        source_port=source,
        destination_port=destination,
        flags=flags & 0xFF,
        seq=seq,
        ack=_int(tcp.get("tcp_tcp_ack_raw")) or 0,
        window=_int(tcp.get("tcp_tcp_window_size_value")) or 0,
        length=length,
        retransmission="tcp_tcp_analysis_retransmission" in remarks,
        keepalive="tcp_tcp_analysis_keep_alive" in remarks,
        ack_rtt_ns=_time(tcp.get("tcp_tcp_analysis_ack_rtt")),
        reassembled=_int(layers.get("tcp_tcp_reassembled_length")),
    )


def _udp(layers: Layer) -> Udp | None:
    udp = _last(layers, "udp")
    source, destination = _int(udp.get("udp_udp_srcport")), _int(udp.get("udp_udp_dstport"))
    length = _int(udp.get("udp_udp_length"))
    if source is None or destination is None or length is None:
        return None
    return Udp(source, destination, max(0, length - 8), _bytes(udp.get("udp_udp_payload")))


def _quote(layers: Layer) -> Quote | None:
    """What an ICMP message quotes: layers inside its own."""
    version, name = (4, "icmp") if "icmp" in layers else (6, "icmpv6")
    message = _last(layers, name)
    kind, code = (_int(message.get(f"{name}_{name}_{what}")) for what in ("type", "code"))
    protocol: Literal["tcp", "udp"] = "tcp" if "tcp" in message else "udp"
    ip, inside = _last(message, "ip" if version == 4 else "ipv6"), _last(message, protocol)
    ports = [_int(inside.get(f"{protocol}_{protocol}_{which}port")) for which in ("src", "dst")]
    if kind is None or code is None or ports[0] is None or ports[1] is None:
        return None
    address = "ip_ip" if version == 4 else "ipv6_ipv6"
    seq = _int(inside.get("tcp_tcp_seq_raw", inside.get("tcp_tcp_seq")))
    return Quote(
        version=version,
        kind=kind,
        code=code,
        protocol=protocol,
        source=_text(ip.get(f"{address}_src")),
        source_port=ports[0],
        destination=_text(ip.get(f"{address}_dst")),
        destination_port=ports[1],
        seq=seq if protocol == "tcp" else None,
        payload=_bytes(inside.get("udp_udp_payload")),
    )


def _tls(layers: Layer) -> Tls | None:
    records = [each for each in _all(layers, "tls") if each]
    if not records:
        return None
    lengths = tuple(value for each in records for value in _ints(each.get("tls_tls_record_length")))
    contents = tuple(value for each in records for value in _ints(each.get("tls_tls_record_content_type")))
    versions = [value for each in records for value in _ints(each.get("tls_tls_record_version"))]
    alerts = tuple(
        pair
        for each in records
        for pair in zip(
            _ints(each.get("tls_tls_alert_message_level")), _ints(each.get("tls_tls_alert_message_desc")), strict=False
        )
    )
    return Tls(
        lengths=lengths,
        contents=contents,
        hidden=sum(len(_ints(each.get("tls_tls_record_opaque_type"))) for each in records),
        version=versions[0] if versions else None,
        first_type=_first_type(records[0]),
        hellos=tuple(hello for each in records for hello in _hellos(each)),
        handshakes=tuple(value for each in records for value in _ints(each.get("tls_tls_handshake_type"))),
        alerts=alerts,
        reassembled=_int(layers.get("tls_tls_reassembled_length")),
        opened=any(name in layers for name in ("http", "http2", "data", "media"))
        or any("tls_tls_segment_data" in each for each in records),
    )


def _first_type(record: Layer) -> int:
    """The first record's type on the wire: inside, TLS 1.3 has another one. -1: it cannot be told."""
    lengths = _ints(record.get("tls_tls_record_length"))
    outside, known = _ints(record.get("tls_tls_record_opaque_type")), _ints(record.get("tls_tls_record_content_type"))
    if outside and len(outside) == len(lengths):
        return outside[0]
    return known[0] if known and not outside else -1


def _hellos(record: Layer) -> Iterable[Hello]:
    """The hellos of one tls layer. tshark puts their fields side by side: the n-th random is that of the n-th hello."""
    kinds = [kind for kind in _ints(record.get("tls_tls_handshake_type")) if kind in (1, 2, 8)]
    randoms, versions = _texts(record.get("tls_tls_handshake_random")), _ints(record.get("tls_tls_handshake_version"))
    sessions, ciphers = (
        _texts(record.get("tls_tls_handshake_session_id")),
        _ints(record.get("tls_tls_handshake_ciphersuite")),
    )
    supported = _ints(record.get("tls_tls_handshake_extensions_supported_version"))
    extensions = _ints(record.get("tls_tls_handshake_extension_type"))
    alpn = _texts(record.get("tls_tls_handshake_extensions_alpn_str"))
    names = _texts(record.get("tls_tls_handshake_extensions_server_name"))
    for kind in kinds:
        chosen = next((value for value in supported if value), None) if kind == 2 else None
        yield Hello(
            kind=kind,
            version=chosen or (versions[0] if versions and kind != 8 else None),
            random=randoms[0].replace(":", "") if randoms and kind != 8 else None,
            session_id=sessions[0] if sessions else "",
            cipher=ciphers[0] if ciphers and kind == 2 else None,
            sni=names[0] if names and kind == 1 else None,
            alpn=alpn[0] if alpn and kind != 1 else None,
            pre_shared_key=41 in extensions and kind == 2,
        )


def _http(layers: Layer) -> tuple[HttpMessage, ...]:
    """The HTTP/1 messages of a packet, each with its body."""
    found = []
    outside = [_bytes(each.get("media_media_type")) for each in _all(layers, "media") if each]
    outside += [_bytes(each.get("data_data_data")) for each in _all(layers, "data") if each]
    for each in _all(layers, "http"):
        method = _text(each.get("http_http_request_method"))
        status = _int(each.get("http_http_response_code"))
        if not method and status is None:
            continue  # the continuation of a body, or what tshark takes for one
        chunks = tuple(_ints(each.get("http_http_chunk_size")))
        size = sum(chunks) if chunks else _int(each.get("http_http_content_length_header"))
        body = b"".join(
            _bytes(part.get(field))
            for name, field in (("data", "data_data_data"), ("media", "media_media_type"))
            for part in _all(each, name)
        )
        if not body and (size or (size is None and status is not None)):  # which of those beside: by size, in order
            place = next((place for place, part in enumerate(outside) if len(part) == (size or len(part))), None)
            body = outside.pop(place) if place is not None else b""
        if size is None:  # it lasts until the connection is closed
            size = len(body)
        lines = _texts(each.get("http_http_request_line" if method else "http_http_response_line"))
        version = _text(each.get("http_http_request_version" if method else "http_http_response_version"))
        found.append(
            HttpMessage(
                method=method or None,
                target=_text(each.get("http_http_request_uri")),
                status=None if method else status,
                reason=_text(each.get("http_http_response_phrase")),
                version=version.removeprefix("HTTP/"),
                lines=tuple(lines),
                request_in=_int(each.get("http_http_request_in")),
                body_bytes=size,
                chunks=chunks,
                body=body if len(body) == size else None,
            )
        )
    return tuple(found)


def _http2(frame: Layer) -> Http2Frame:
    names, values = _texts(frame.get("http2_http2_header_name")), _texts(frame.get("http2_http2_header_value"))
    flags = _int(frame.get("http2_http2_flags")) or 0
    padding = _int(frame.get("http2_http2_pad_length"))
    return Http2Frame(
        kind=_int(frame.get("http2_http2_type")) or 0,
        flags=flags,
        stream=_int(frame.get("http2_http2_streamid")) or 0,
        length=_int(frame.get("http2_http2_length")) or 0,
        headers=tuple(zip(names, values, strict=False)),
        padding=padding + 1 if padding and flags & PADDED else 0,
        data=b"".join(map(_bytes, _list(frame.get("http2_http2_data_data")))),
        error=_int(frame.get("http2_http2_rst_stream_error", frame.get("http2_http2_goaway_error"))),
        last_stream=_int(frame.get("http2_http2_goaway_last_stream_id")),
    )


def _mac(layers: Layer) -> str | None:
    for name, field in (("eth", "eth_eth_src"), ("sll", "sll_sll_src_eth"), ("wlan", "wlan_wlan_sa")):
        found = _text(_first(layers, name).get(field))
        if found:
            return found
    return None


# Layers and values --------------------------------------------------------------------------------------------------


def _all(layers: Layer, name: str) -> list[Layer]:
    found = layers.get(name)
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, dict)]


def _first(layers: Layer, name: str) -> Layer:
    found = _all(layers, name)
    return found[0] if found else _NO_LAYER


def _last(layers: Layer, name: str) -> Layer:
    """The innermost of a tunnel's."""
    found = _all(layers, name)
    return found[-1] if found else _NO_LAYER


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _int(value: object) -> int | None:
    """The first number of a value."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, bool | int):
        return int(value)
    if not isinstance(value, str):
        return None
    try:
        return int(value, 16) if value[:2] in ("0x", "0X") else int(value)
    except ValueError:
        return None


def _ints(value: object) -> list[int]:
    return [number for each in _list(value) if (number := _int(each)) is not None]


def _text(value: object) -> str:
    """The first text of a value; "" when there is none."""
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [each for each in _list(value) if isinstance(each, str)]


def _bytes(value: object) -> bytes:
    """`03:01:6a` or `03016a`."""
    text = _text(value)
    try:
        return bytes.fromhex(text.replace(":", ""))
    except ValueError:
        return b""


def _time(value: object) -> int | None:
    """Nanoseconds, exact: a float has 53 bits."""
    text = _text(value)
    try:
        if "T" in text:
            day, _, rest = text.rstrip("Z").partition(".")
            seconds = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())
            return seconds * _SECOND + int(rest[:9].ljust(9, "0") or 0)
        whole, _, rest = text.partition(".")
        parts = int(rest[:9].ljust(9, "0"))
        return int(whole) * _SECOND + (-parts if whole.startswith("-") else parts)
    except ValueError:
        return None
