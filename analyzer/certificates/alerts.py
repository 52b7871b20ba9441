"""The TLS alerts that have to do with who the other side is (RFC 5246 7.2, RFC 8446 6, RFC 6066 9)."""

from typing import Final

FATAL: Final = 2  # level

NAMES: Final = {
    40: "handshake_failure",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    48: "unknown_ca",
    49: "access_denied",
    70: "protocol_version",
    71: "insufficient_security",
    86: "inappropriate_fallback",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    116: "certificate_required",
}
OF_CERTIFICATES: Final = frozenset((42, 43, 44, 45, 46, 48, 113))  # the other side's was refused
OF_CLIENTS: Final = OF_CERTIFICATES | {49, 116}  # a server's answer to a client's certificate, or to its absence
OF_HELLOS: Final = frozenset((40, 70, 71, 86, 112))  # a server's answer to what a ClientHello offers


def name(alert: int) -> str:
    """48 (unknown_ca)."""
    return f"{alert} ({NAMES[alert]})" if alert in NAMES else f"{alert}"
