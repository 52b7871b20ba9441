"""HTTP/1.x: in-order plaintext of one connection in, `Transaction` out.

`connection` says how, `redact` what is held back, `sniff` what is taken for HTTP.
"""

from dissectors.http.connection import HttpConnection, keep_eas_body
from dissectors.http.sniff import looks_like_http

__all__ = ["HttpConnection", "keep_eas_body", "looks_like_http"]
