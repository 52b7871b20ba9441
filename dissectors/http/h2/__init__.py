"""HTTP/2 (RFC 9113, RFC 7541): in-order plaintext of one connection in, one `Transaction` a stream out.

`connection.Http2Connection` does that. It is not named here: `frames` is needed to tell HTTP/2 from the rest, and
should not bring `hpack` along.
"""
