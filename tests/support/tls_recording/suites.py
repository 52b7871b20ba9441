"""What the OpenSSL on this machine can still negotiate: asked at run time, never assumed.

Its own configuration file is left out of it (distributions raise the security level there); the level is lowered to 0.
SRP suites are not asked for: s_server forgets the user's name before it looks it up (OpenSSL 3.0).
"""

import os
import subprocess
from functools import cache
from shutil import which
from typing import NamedTuple

EVERYTHING = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
VERSIONS = {"ssl3": "SSL 3.0", "tls1": "TLS 1.0", "tls1_1": "TLS 1.1", "tls1_2": "TLS 1.2", "tls1_3": "TLS 1.3"}
TLS13_SUITES = (  # not all of them are offered unless named, and a name that is not known is an error
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
)
TIMEOUT_S = 20.0


class Suite(NamedTuple):
    """One cipher suite in one protocol version."""

    version: str  # as OpenSSL's option: "tls1_2"
    name: str  # OpenSSL's: "ECDHE-RSA-AES128-SHA256"
    iana: str  # "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"
    exchange: str  # OpenSSL's words: RSA, DH, ECDH, PSK, RSAPSK, DHEPSK, ECDHEPSK, any
    authentication: str  # RSA, ECDSA, DSS, PSK, None, any
    cipher: str  # "AES(128)", "AESGCM(256)", "None", ...
    mac: str  # "SHA1", "AEAD", ...

    @property
    def is_cbc(self) -> bool:
        return self.mac != "AEAD" and not self.cipher.startswith(("None", "RC4"))

    def __str__(self) -> str:
        return f"{self.version}-{self.name}"


def environment() -> dict[str, str]:
    """The environment for OpenSSL's programs: nobody's configuration, and English."""
    return {**os.environ, "OPENSSL_CONF": os.devnull, "LC_ALL": "C"}


def run_openssl(*arguments: str) -> str:
    """The output of a short command; empty when it fails (an option or a protocol version that it does not know)."""
    program = which("openssl")
    if program is None:
        return ""
    done = subprocess.run(
        [program, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout if done.returncode == 0 else ""


@cache
def has_option(command: str, option: str) -> bool:
    """Whether `openssl COMMAND` knows an option ("-no_etm")."""
    program = which("openssl")
    if program is None:
        return False
    done = subprocess.run(
        [program, command, "-help"], env=environment(), capture_output=True, text=True, check=False, timeout=TIMEOUT_S
    )
    return any(line.split(maxsplit=1)[:1] == [option] for line in (done.stdout + done.stderr).splitlines())


@cache
def suites(version: str) -> tuple[Suite, ...]:
    """Every suite of a version, in OpenSSL's order; none where the version is not compiled in."""
    if version == "tls1_3":
        return tuple(suite for name in TLS13_SUITES for suite in _ask(version, "-ciphersuites", name, EVERYTHING))
    return _ask(version, *(["-psk"] if has_option("ciphers", "-psk") else []), EVERYTHING)


def suite(version: str, name: str) -> Suite | None:
    """One of them by OpenSSL's name."""
    return next((one for one in suites(version) if one.name == name), None)


def _ask(version: str, *arguments: str) -> tuple[Suite, ...]:
    found = []
    for line in run_openssl("ciphers", "-s", f"-{version}", "-stdname", *arguments).splitlines():
        # TLS_RSA_WITH_NULL_MD5 - NULL-MD5 SSLv3 Kx=RSA Au=RSA Enc=None Mac=MD5
        iana, _, name, _, exchange, authentication, cipher, mac = line.split()
        values = (word.partition("=")[2] for word in (exchange, authentication, cipher, mac))
        found.append(Suite(version, name, iana, *values))
    return tuple(found)
