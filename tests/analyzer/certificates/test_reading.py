"""What is read of a certificate; `openssl x509` reads the same. Any bytes are a certificate or none."""

import random
import subprocess
import warnings
from pathlib import Path
from shutil import which

import certifi
import pytest
from cryptography import x509

from analyzer.certificates.chain import build
from analyzer.certificates.judging import problems
from analyzer.certificates.reading import read
from analyzer.certificates.roots import public_roots
from tests.analyzer.certificates.authority import NOW_NS, START, URL, root, roots

ROOT = root("Root")
LEAF = ROOT.server("mail.test", ("mail.test", "*.Mail.test", "autodiscover.test"), url=URL, public=True)
WEAK = root("Old Root", rsa_bits=1024).server("old.test", rsa_bits=1024, old_hash="sha1")


def test_what_stands_in_a_certificate_is_read() -> None:
    found = LEAF.known
    assert (found.subject, found.issuer, found.label) == ("CN=mail.test", "CN=Root", "mail.test")
    assert found.names == ("mail.test", "*.mail.test", "autodiscover.test")
    assert (found.key_type, found.key_bits, found.signature) == ("ec", 256, "sha256")
    assert (found.is_ca, found.public, found.fetch_url, found.self_issued) == (False, True, URL, False)
    assert found.not_before_ns == int(START.timestamp()) * 10**9
    old = WEAK.known
    assert (old.key_type, old.key_bits, old.signature, old.public) == ("rsa", 1024, "sha1", False)
    assert (ROOT.known.is_ca, ROOT.known.self_issued) == (True, True)


def test_openssl_gives_the_same_fingerprint_and_issuer(tmp_path: Path) -> None:
    program = which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    (tmp_path / "leaf.pem").write_bytes(LEAF.pem)
    command = [
        program,
        "x509",
        "-in",
        "leaf.pem",
        "-noout",
        "-fingerprint",
        "-sha256",
        "-issuer",
        "-nameopt",
        "RFC2253",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=20)
    fingerprint, issuer = done.stdout.splitlines()
    assert fingerprint.partition("=")[2].replace(":", "").lower() == LEAF.known.fingerprint
    assert issuer == f"issuer={LEAF.known.issuer}"


@pytest.mark.parametrize("data", [b"", b"\x30", b"\x30\x82\xff\xff", b"mail", LEAF.der[:-1], LEAF.der + b"\0"])
def test_what_is_no_certificate_is_none(data: bytes) -> None:
    assert read(data) is None


def test_damaged_certificates_are_read_or_not_and_judged_all_the_same() -> None:
    """Whatever cryptography makes of a flipped byte, it ends here."""
    draw = random.Random(14)
    readable = 0
    known = roots(ROOT)
    for _ in range(1500):
        der = bytearray(draw.choice((LEAF.der, WEAK.der, ROOT.der)))
        for _ in range(draw.randint(1, 3)):
            der[draw.randrange(len(der))] = draw.randrange(256)
        found = read(bytes(der))
        if found is not None:
            readable += 1
            built = build([found, ROOT.known], known, NOW_NS)
            assert problems(built, 2, "mail.test", NOW_NS, NOW_NS) is not None
    assert readable > 100


def test_the_public_roots_are_many_and_known_by_name() -> None:
    known = public_roots()
    assert public_roots() is known
    assert known.named(b"nobody") == []
    with pytest.raises(ValueError):
        known.store([b"nobody"])
    parsed = _parsed_bundle()
    assert len(parsed) > 100
    assert all(one in [root.parsed for root in known.named(one.subject.public_bytes())] for one in parsed)


def _parsed_bundle() -> list[x509.Certificate]:
    """The same list as `cryptography` reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x509.load_pem_x509_certificates(Path(certifi.where()).read_bytes())
