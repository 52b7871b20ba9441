"""HTTP: in-order plaintext of one connection in, `Transaction` out.

`connection` reads HTTP/1.x, `h2` HTTP/2, `switching` says when one becomes the other, `sniff` what is taken for HTTP,
`redact` what is held back.
"""

from dissectors.http.connection import HttpConnection
from dissectors.http.keep import keep_eas_body
from dissectors.http.sniff import looks_like_http, looks_like_http2

__all__ = ["HttpConnection", "keep_eas_body", "looks_like_http", "looks_like_http2"]
