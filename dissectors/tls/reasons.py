"""Why a connection stayed closed, and what can be odd in TLS: the closed lists that `directpush explain` prints."""

from typing import Final

NOT_TLS: Final = "not_tls"
NO_HANDSHAKE: Final = "no_handshake"
HANDSHAKE_INCOMPLETE: Final = "handshake_incomplete"
NO_KEY: Final = "no_key"
FORWARD_SECRET: Final = "forward_secret"
KEY_DOES_NOT_FIT: Final = "key_does_not_fit"
UNSUPPORTED_VERSION: Final = "unsupported_version"
UNSUPPORTED_CIPHER: Final = "unsupported_cipher"
GAP: Final = "gap"
SNAPPED: Final = "snapped"
DAMAGED: Final = "damaged"

WHY: Final[dict[str, str]] = {
    NOT_TLS: "The connection does not begin with a TLS record: it carries another protocol.",
    NO_HANDSHAKE: "The capture began after the TLS handshake, or the ClientHello is lost; without the client random no "
    "key can be looked up.",
    HANDSHAKE_INCOMPLETE: "The TLS handshake did not finish, so nothing was sent that could be decrypted.",
    NO_KEY: "No key log line has this connection's client random (or the secret that is needed with it), and no "
    "private key that was given is this server's.",
    FORWARD_SECRET: "A server's private key was given, but it opens nothing here: the key exchange is not RSA (DHE, "
    "ECDHE and all of TLS 1.3 are forward secret). Only a key log line of this connection does.",
    KEY_DOES_NOT_FIT: "There is a key log line or a private key for this connection, but no record can be "
    "authenticated with it.",
    UNSUPPORTED_VERSION: "The protocol version is not one that is decrypted here.",
    UNSUPPORTED_CIPHER: "The cipher suite (or the compression) is not one that is decrypted here.",
    GAP: "Bytes are missing in the capture, and the records after them could not be found or authenticated again.",
    SNAPPED: "The capture's snap length cut the packets, so records are incomplete and cannot be authenticated.",
    DAMAGED: "The bytes stopped making sense as TLS records although none are missing.",
}

RECORD_NOT_AUTHENTIC: Final = "tls_record_not_authentic"
RECORD_TOO_LONG: Final = "tls_record_too_long"
RECORD_MALFORMED: Final = "tls_record_malformed"
HANDSHAKE_MALFORMED: Final = "tls_handshake_malformed"
HANDSHAKE_TOO_LONG: Final = "tls_handshake_too_long"
RECORDS_LOST: Final = "tls_records_lost"
BUFFER_LIMIT: Final = "tls_buffer_limit"

ANOMALIES: Final[dict[str, str]] = {
    RECORD_NOT_AUTHENTIC: "A record's authentication tag is wrong: it is damaged, or the key is.",
    RECORD_TOO_LONG: "A record header announces more bytes than the protocol allows (RFC 8446 5.2).",
    RECORD_MALFORMED: "A record header has an unknown type or version, or a record's content breaks the protocol.",
    HANDSHAKE_MALFORMED: "A handshake message's fields do not fit into its length.",
    HANDSHAKE_TOO_LONG: "A handshake message is longer than what is kept for one.",
    RECORDS_LOST: "Records are missing in the capture; decryption went on behind them.",
    BUFFER_LIMIT: "Records that wait for the other side's handshake reached the limit of what is kept.",
}
