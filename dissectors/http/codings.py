"""Content codings undone within limits: gzip (RFC 1952) and deflate (RFC 1950, or the raw RFC 1951
that many servers send).

`br`, `zstd` and `compress` are not decoded: the answer is then the reason in words and no body.
"""

from typing import cast

from isal import isal_zlib

MAX_DECODED_BYTES = 64 * 1024 * 1024
MAX_RATIO = 250  # decoded to coded, looked at from FREE_DECODED_BYTES on: mail text compresses 3 to 20 times
FREE_DECODED_BYTES = 1024 * 1024
MAX_CODINGS = 4  # applied one on another
MAX_GZIP_MEMBERS = 64

_GZIP = 31  # window bits that ask for a gzip header and trailer
_ZLIB = 15
_RAW = -15
_GZIP_MAGIC = b"\x1f\x8b"
_DAMAGED = cast(type[Exception], isal_zlib.error)  # the stubs take the class for an instance


def decode(body: bytes, codings: str) -> tuple[bytes | None, str]:
    """`body` with its codings (as in Content-Encoding) undone, and in words what was wrong ("" for nothing).

    The body is None when it could not be decoded whole; rubbish behind it is said and left out.
    """
    if codings == "gzip" and body:
        return _gunzip(body)
    names = [name for name in map(str.strip, codings.lower().split(",")) if name not in ("", "identity")]
    if len(names) > MAX_CODINGS:
        return None, f"more than {MAX_CODINGS} content codings"
    odd = ""
    for name in reversed(names):
        if not body:  # an empty body has nothing to undo, and servers label it all the same
            break
        if name in ("gzip", "x-gzip"):
            decoded, problem = _gunzip(body)
        elif name == "deflate":
            decoded, problem = _inflate(body)
        else:
            return None, f"content coding {name[:20]!a} is not decoded"
        odd = odd or problem
        if decoded is None:
            return None, odd
        body = decoded
    return body, odd


def _limit(coded_bytes: int) -> int:
    return min(MAX_DECODED_BYTES, max(FREE_DECODED_BYTES, coded_bytes * MAX_RATIO))


def _gunzip(body: bytes) -> tuple[bytes | None, str]:
    if not body.startswith(_GZIP_MAGIC):
        return None, "no gzip data"
    room = _limit(len(body))
    decoder = isal_zlib.decompressobj(_GZIP)
    try:
        decoded = decoder.decompress(body, room + 1)
    except _DAMAGED:
        return None, "gzip data is damaged"
    if len(decoded) > room:
        return None, _too_large(room)
    if not decoder.eof:
        return None, "gzip data is cut"
    rest = decoder.unused_data
    return (decoded, "") if not rest else _more_members(decoded, rest, room)


def _more_members(decoded: bytes, rest: bytes, room: int) -> tuple[bytes | None, str]:
    """Further gzip members behind the first (RFC 1952 2.2), or rubbish."""
    parts = [decoded]
    room -= len(decoded)
    while rest.startswith(_GZIP_MAGIC):
        if len(parts) == MAX_GZIP_MEMBERS:
            return None, f"more than {MAX_GZIP_MEMBERS} gzip members"
        decoder = isal_zlib.decompressobj(_GZIP)
        try:
            parts.append(decoder.decompress(rest, room + 1))
        except _DAMAGED:
            return None, "gzip data is damaged"
        room -= len(parts[-1])
        if room < 0:
            return None, _too_large(MAX_DECODED_BYTES)
        if not decoder.eof:
            return None, "gzip data is cut"
        rest = decoder.unused_data
    return b"".join(parts), f"{len(rest)} bytes behind the gzip data" if rest else ""


def _inflate(body: bytes) -> tuple[bytes | None, str]:
    room = _limit(len(body))
    # RFC 1950 2.2: compression method 8, and the first two bytes are a multiple of 31
    zlib_header = len(body) >= 2 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    for window_bits in (_ZLIB, _RAW) if zlib_header else (_RAW,):
        decoder = isal_zlib.decompressobj(window_bits)
        try:
            decoded = decoder.decompress(body, room + 1)
        except _DAMAGED:
            continue
        if len(decoded) > room:
            return None, _too_large(room)
        if decoder.eof:
            rest = len(decoder.unused_data)
            return decoded, f"{rest} bytes behind the deflate data" if rest else ""
    return None, "deflate data is damaged or cut"


def _too_large(room: int) -> str:
    return f"decoded body is over {room} bytes ({MAX_RATIO} times the coded one or {MAX_DECODED_BYTES} bytes)"
