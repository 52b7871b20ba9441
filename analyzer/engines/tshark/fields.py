"""Which fields tshark is asked for, and with which preferences.

`-T ek -j NAMES` keeps the nesting of the protocol tree (several HTTP messages or HTTP/2 frames in one packet stay
apart, which `-e` would mix) and leaves out the values of what is not named: a tenth of the whole tree.

`wbxml` and other body dissectors are switched off: the body then comes as bytes in `media` or `data`, and is decoded by
our own decoder. tshark gives up a WBXML body after 239 elements and knows no newer code page. HTTP bodies stay
compressed for the same reason: how many bytes were sent is asked, and what they mean is answered below the seam.
"""

from collections.abc import Sequence
from pathlib import Path

FIELDS = (
    *("frame", "frame.number", "frame.time_epoch", "frame.len", "frame.cap_len"),
    *("frame.encap_type", "frame.protocols"),
    *("eth", "eth.src", "sll", "sll.src.eth", "wlan", "wlan.sa"),
    *("ip", "ip.src", "ip.dst", "ip.ttl", "ip.id"),
    *("ipv6", "ipv6.src", "ipv6.dst", "ipv6.hlim"),
    *("icmp", "icmp.type", "icmp.code", "icmpv6", "icmpv6.type", "icmpv6.code"),
    *("udp", "udp.srcport", "udp.dstport", "udp.length", "udp.payload"),
    *(
        "tcp",
        "tcp.stream",
        "tcp.srcport",
        "tcp.dstport",
        "tcp.flags",
        "tcp.seq",
        "tcp.seq_raw",
        "tcp.ack_raw",
        "tcp.len",
    ),
    *("tcp.window_size_value", "tcp.reassembled.length"),
    *("tcp.analysis", "tcp.analysis.flags", "tcp.analysis.retransmission", "tcp.analysis.keep_alive"),
    *("tcp.analysis.ack_rtt", "_ws.expert"),
    *("tls", "tls.record", "tls.record.content_type", "tls.record.opaque_type", "tls.record.length"),
    *("tls.record.version", "tls.reassembled.length", "tls.handshake", "tls.handshake.type", "tls.handshake.random"),
    *("tls.handshake.session_id", "tls.handshake.version", "tls.handshake.ciphersuite", "tls.handshake.extension"),
    *("tls.handshake.extension.type", "tls.handshake.extensions_server_name"),
    *(
        "tls.handshake.extensions.supported_version",
        "tls.handshake.extensions_alpn_list",
        "tls.handshake.extensions_alpn_str",
    ),
    *("tls.alert_message", "tls.alert_message.level", "tls.alert_message.desc"),
    *("http", "http.request.method", "http.request.uri", "http.request.version", "http.request.line"),
    *("http.response.version", "http.response.code", "http.response.phrase", "http.response.line"),
    *("http.request_in", "http.chunk_size", "http.content_length_header"),
    *("http2", "http2.stream", "http2.length", "http2.type", "http2.flags", "http2.streamid", "http2.header"),
    *("http2.header.name", "http2.header.value", "http2.data.data", "http2.pad_length", "http2.rst_stream.error"),
    *("http2.goaway.error", "http2.goaway.last_stream_id"),
    *("media", "media.type", "data", "data.data", "text"),
)

BODY_DISSECTORS = ("wbxml", "xml", "imf", "json", "mime_multipart", "data-text-lines", "urlencoded-form")

PREFERENCES = {
    "tcp.reassemble_out_of_order": "TRUE",
    "tcp.desegment_tcp_streams": "TRUE",
    "tcp.analyze_sequence_numbers": "TRUE",
    "tcp.track_bytes_in_flight": "TRUE",  # without it there is no tcp.analysis.ack_rtt
    "tls.desegment_ssl_records": "TRUE",
    "tls.desegment_ssl_application_data": "TRUE",
    "http.desegment_headers": "TRUE",
    "http.desegment_body": "TRUE",
    "http.dechunk_body": "TRUE",
    "http.decompress_body": "FALSE",
}


def parameters(keylog: Path | None, rsa_keys: Sequence[Path]) -> list[str]:
    """What tshark is called with, beside the output format and the input."""
    options = [f"{name}:{value}" for name, value in PREFERENCES.items()]
    if keylog is not None:
        options.append(f"tls.keylog_file:{keylog}")
    options += [f'uat:rsa_keys:"{_uat(str(key))}",""' for key in rsa_keys]
    return [
        *("-j", " ".join(FIELDS)),
        *(part for option in options for part in ("-o", option)),
        *(part for name in BODY_DISSECTORS for part in ("--disable-protocol", name)),
    ]


def _uat(text: str) -> str:
    """Text inside the quotes of a preference table: everything odd as \\xHH."""
    return "".join(
        chr(byte) if chr(byte).isalnum() or byte in b"/._-+ " else f"\\x{byte:02x}" for byte in text.encode()
    )
