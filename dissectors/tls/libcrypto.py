"""ARIA (RFC 5794) from the OpenSSL that Python's own `ssl` module is linked with; `cryptography` does not have it.

No library is searched or chosen: the symbols are those that the running interpreter has loaded. Where it has none
that can be reached (Windows, interpreters with OpenSSL inside) or OpenSSL was built without ARIA, the suites with it
are not supported.
"""

import ctypes
from functools import cache
from typing import Final

BLOCK_BYTES: Final = 16

_DECRYPT: Final = 0
_ENCRYPT: Final = 1


class Aria:
    """One ARIA context of OpenSSL without padding. Raises `LookupError` where there is no ARIA."""

    __slots__ = ("_context", "_library")

    def __init__(self, key: bytes, mode: str, *, encrypt: bool) -> None:
        self._context = None
        library = _library()
        cipher = library.EVP_get_cipherbyname(b"aria-%d-%s" % (8 * len(key), mode.encode())) if library else None
        if library is None or not cipher:
            raise LookupError("ARIA")
        self._library = library
        self._context = library.EVP_CIPHER_CTX_new()
        way = _ENCRYPT if encrypt else _DECRYPT
        if not library.EVP_CipherInit_ex(self._context, cipher, None, key, bytes(BLOCK_BYTES), way):
            raise LookupError("ARIA")
        library.EVP_CIPHER_CTX_set_padding(self._context, 0)

    def __del__(self) -> None:
        if self._context:
            self._library.EVP_CIPHER_CTX_free(self._context)

    def update(self, data: bytes, /) -> bytes:
        """Whole blocks in, as many out."""
        output = ctypes.create_string_buffer(len(data) + BLOCK_BYTES)
        written = ctypes.c_int(0)
        if not self._library.EVP_CipherUpdate(self._context, output, ctypes.byref(written), data, len(data)):
            return b""
        return output.raw[: written.value]


@cache
def _library() -> ctypes.CDLL | None:
    try:
        import _ssl  # the extension module: what it is linked with can be reached through it

        library = ctypes.CDLL(_ssl.__file__)
        library.EVP_get_cipherbyname.argtypes = [ctypes.c_char_p]
        library.EVP_get_cipherbyname.restype = ctypes.c_void_p
        library.EVP_CIPHER_CTX_new.argtypes = []
        library.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p
        library.EVP_CIPHER_CTX_free.argtypes = [ctypes.c_void_p]
        library.EVP_CIPHER_CTX_free.restype = None
        library.EVP_CIPHER_CTX_set_padding.argtypes = [ctypes.c_void_p, ctypes.c_int]
        library.EVP_CipherInit_ex.argtypes = [
            ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int
        ]  # fmt: skip
        library.EVP_CipherUpdate.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_int), ctypes.c_char_p, ctypes.c_int
        ]  # fmt: skip
    except (ImportError, AttributeError, OSError):
        return None
    return library
