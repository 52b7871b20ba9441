"""The roots that are known everywhere: Mozilla's list as certifi brings it. The capture may be older than the list."""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from cryptography.x509.verification import Store

from analyzer.certificates.reading import Certificate, read

_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
_END: Final = b"-----END CERTIFICATE-----"


class Roots:
    """Some roots, found by name. Of a hundred a capture needs one or two: only those are parsed."""

    def __init__(self, ders: Sequence[bytes]) -> None:
        self._ders = ders
        self._named: dict[bytes, list[Certificate]] = {}

    def named(self, subject_der: bytes) -> list[Certificate]:
        """Those with this subject."""
        found = self._named.get(subject_der)
        if found is None:
            # A certificate holds its subject's DER as it is: one that does not has another name.
            holding = [read(der) for der in self._ders if subject_der in der]
            found = [one for one in holding if one is not None and one.subject_der == subject_der]
            self._named[subject_der] = found
        return found

    def store(self, names: Iterable[bytes]) -> Store:
        """Those with these subjects, for `cryptography`. Raises ValueError when there is none."""
        return Store([one.parsed for name in dict.fromkeys(names) for one in self.named(name)])


@cache
def public_roots() -> Roots:
    """certifi's."""
    found = []
    for block in _bundle().split(_BEGIN)[1:]:
        with suppress(ValueError):  # what is no base64 is left out
            found.append(a2b_base64(block.partition(_END)[0]))
    return Roots(found)


def _bundle() -> bytes:
    """The list lies beside the package; where it does not, the package says where. Asking costs more than reading."""
    package = find_spec("certifi")
    beside = Path(package.origin).with_name("cacert.pem") if package and package.origin else None
    if beside is not None and beside.is_file():
        return beside.read_bytes()
    import certifi

    return Path(certifi.where()).read_bytes()
