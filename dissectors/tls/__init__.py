"""TLS: records and handshakes of a connection to plaintext, with key logs. Start reading in `connection`."""

from dissectors.tls.connection import TlsConnection
from dissectors.tls.keylog import KeyLog, Secrets
from dissectors.tls.piece import Piece
from dissectors.tls.reasons import ANOMALIES, WHY

__all__ = ["ANOMALIES", "WHY", "KeyLog", "Piece", "Secrets", "TlsConnection"]
