"""What a cipher suite means for decryption: algorithm, mode, lengths, hashes.

The properties follow from the suite's IANA name (RFC 5246 A.5, RFC 8446 B.4), so the only table is the list of names
in `cipher_names`. Suites that are not decrypted here have a name and no `Suite`: RC2, GOST, SM4, those without
encryption of TLS 1.3 (RFC 9150), and the ChaCha20 drafts whose names were kept by RFC 7905 while the records changed.
"""

import re
from functools import cache
from typing import Final, Literal, NamedTuple

from dissectors.tls.cipher_names import NAMES

Mode = Literal["gcm", "ccm", "chacha20", "cbc", "stream"]

_SUITE: Final = re.compile(
    r"TLS_(?:(?P<exchange>\w+?)_WITH_)?"
    r"(?:(?P<block>(?:AES|CAMELLIA|ARIA)_(?:128|256)|3DES_EDE|DES40|DES|IDEA|SEED)_(?P<mode>CBC|GCM|CCM)(?P<short>_8)?"
    r"|(?P<chacha>CHACHA20)_POLY1305|(?P<stream>NULL|RC4_(?:128|56|40)))"
    r"(?:_(?:SHA(?P<hash>256|384)|(?P<old>SHA|MD5)))?"
)
_MODES: Final[dict[str, Mode]] = {"CBC": "cbc", "GCM": "gcm", "CCM": "ccm"}
_DRAFTS: Final = frozenset((0xCC13, 0xCC14, 0xCC15))  # draft-agl-tls-chacha20poly1305: another nonce and other tags
_KEY_BYTES: Final = {"3DES_EDE": 24, "DES": 8, "IDEA": 16, "SEED": 16, "RC4": 16, "CHACHA20": 32}
_BLOCK_BYTES: Final = {"3DES_EDE": 8, "DES": 8, "IDEA": 8}  # all others have 16
_EXPORT_BYTES: Final = {"DES40": 5, "RC4_40": 5, "RC4_56": 7}  # of key material, from which the key is made
_MAC_BYTES: Final = {"md5": 16, "sha1": 20, "sha256": 32, "sha384": 48}


class Suite(NamedTuple):
    """A cipher suite that can be decrypted."""

    code: int
    name: str
    exchange: str  # RSA, DHE_RSA, ECDHE_PSK, ...; empty in TLS 1.3
    algorithm: str  # AES, CAMELLIA, ARIA, 3DES_EDE, DES, IDEA, SEED, RC4, NULL, CHACHA20
    mode: Mode
    key_bytes: int
    material_bytes: int  # key bytes from the key schedule; fewer than `key_bytes` in export suites
    block_bytes: int  # of a CBC suite, else 0
    tag_bytes: int  # of an AEAD suite, else 0
    mac_name: str  # of the record MAC in hashlib's words, empty in AEAD suites
    mac_bytes: int
    hash_name: str  # of the key schedule of TLS 1.2 and 1.3, in hashlib's words
    hash_bytes: int
    tls13: bool

    @property
    def aead(self) -> bool:
        """Whether one algorithm encrypts and authenticates: GCM, CCM, ChaCha20-Poly1305 (TLS 1.2 and later only)."""
        return self.tag_bytes > 0

    @property
    def export(self) -> bool:
        """Whether keys are weakened for the export rules of the 1990s (RFC 2246 6.3.1)."""
        return "EXPORT" in self.exchange

    @property
    def explicit_nonce_bytes(self) -> int:
        """Nonce bytes of an AEAD suite that stand at the start of each record (RFC 5288 3, RFC 6655 3)."""
        return 0 if self.tls13 or self.mode == "chacha20" else 8

    @property
    def iv_bytes(self) -> int:
        """IV or nonce bytes that come from the key schedule."""
        return 12 - self.explicit_nonce_bytes if self.aead else self.block_bytes


def cipher_name(code: int) -> str:
    """The IANA name of a suite, or words that hold its code."""
    return NAMES.get(code) or f"unknown (0x{code:04X})"


@cache
def suite(code: int) -> Suite | None:
    """The properties of a suite, or None when it is not decrypted here."""
    name = NAMES.get(code, "")
    match = _SUITE.fullmatch(name)
    if match is None or code in _DRAFTS:
        return None
    hash_bits = int(match["hash"] or 256)  # the CCM suites of TLS 1.2 are named without it (RFC 6655 3)
    what = match["block"] or match["chacha"] or match["stream"]
    algorithm, _, bits = (what, "", "") if what == "3DES_EDE" else what.partition("_")
    algorithm = "DES" if what == "DES40" else algorithm
    mode: Mode = "stream" if match["stream"] else "chacha20" if match["chacha"] else _MODES[match["mode"]]
    aead = mode not in ("cbc", "stream")
    mac_name = "" if aead else {"MD5": "md5", "SHA": "sha1"}.get(match["old"], f"sha{hash_bits}")
    key_bytes = _KEY_BYTES.get(algorithm) or int(bits or 0) // 8
    return Suite(
        code=code,
        name=name,
        exchange=match["exchange"] or "",
        algorithm=algorithm,
        mode=mode,
        key_bytes=key_bytes,
        material_bytes=_EXPORT_BYTES.get(what, key_bytes),
        block_bytes=_BLOCK_BYTES.get(algorithm, 16) if mode == "cbc" else 0,
        tag_bytes=(8 if match["short"] else 16) if aead else 0,
        mac_name=mac_name,
        mac_bytes=_MAC_BYTES.get(mac_name, 0),
        hash_name=f"sha{hash_bits}",
        hash_bytes=hash_bits // 8,
        tls13=match["exchange"] is None,
    )
