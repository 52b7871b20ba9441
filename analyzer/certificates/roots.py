"""The roots that are known everywhere: Mozilla's list as certifi brings it. The capture may be older than the list."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import Store

from analyzer.certificates.reading import UNREADABLE, Certificate, read

_PEM: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)


class Roots:
    """Some roots, found by name."""

    def __init__(self, certificates: Sequence[x509.Certificate]) -> None:
        self.store = Store(list(certificates))
        self._by_name: dict[bytes, list[x509.Certificate]] = {}
        self._read: dict[x509.Certificate, Certificate | None] = {}
        for certificate in certificates:
            self._by_name.setdefault(certificate.subject.public_bytes(), []).append(certificate)

    def named(self, subject_der: bytes) -> list[Certificate]:
        """Those with this subject."""
        found = []
        for parsed in self._by_name.get(subject_der, ()):
            if parsed not in self._read:
                self._read[parsed] = read(parsed.public_bytes(Encoding.DER))
            certificate = self._read[parsed]
            if certificate is not None:
                found.append(certificate)
        return found


@cache
def public_roots() -> Roots:
    """certifi's."""
    import certifi

    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some old roots are odd; one that cannot be read any more is left out
        for block in _PEM.findall(Path(certifi.where()).read_bytes()):
            with suppress(*UNREADABLE):
                found.append(x509.load_pem_x509_certificate(block))
    return Roots(found)
