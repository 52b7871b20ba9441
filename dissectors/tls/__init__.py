"""TLS: records and handshakes of a connection to plaintext, with key logs and private keys.

Start reading in `connection`.
"""

from dissectors.tls.connection import TlsConnection
from dissectors.tls.keylog import KeyLog, Secrets
from dissectors.tls.old_hello import is_old_hello
from dissectors.tls.piece import Piece
from dissectors.tls.reasons import ANOMALIES, WHY

__all__ = ["ANOMALIES", "WHY", "KeyLog", "Piece", "Secrets", "TlsConnection", "is_old_hello"]
