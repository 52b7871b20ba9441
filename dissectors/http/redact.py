"""Header values that hold secrets, reduced to what a reader may know: nothing secret leaves `dissectors.http`.

RFC 9110 section 11 (authentication schemes), RFC 7617 (Basic), MS-ASHTTP 2.2.1.1.2.6 (X-MS-PolicyKey). Personal text
that is no secret (addresses, names) is left alone: whoever prints it decides. Secrets inside a request target are the
business of whoever parses the target.
"""

import binascii
import re
from collections.abc import Callable

MAX_SCHEME_CHARS = 24
MAX_USER_CHARS = 256

_SECRET_NAME = re.compile(
    r"cookie|token|secret|passw|credential|canary|assertion|api-?key|access-?key|auth-?key|session-?(?:id|key)$"
    r"|^x-auth|authorization|authentication-info"
)
_HARMLESS_NAMES = {"x-ms-credentials-expire"}  # in so many days the password must be changed
_CHALLENGE_NAMES = {"www-authenticate", "proxy-authenticate"}
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# The closing quote is optional and the inside possessive, so that hostile quotes cost linear time.
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+\\?"?', re.DOTALL)
_KNOWN_SCHEMES = {
    *("basic", "bearer", "digest", "hoba", "kerberos", "mutual", "negotiate", "ntlm", "oauth"),
    *("passport1.4", "wlid1.0", "wlid1.1"),
}


def _size(value: str) -> str:
    return f"({len(value)} bytes)"


def _scheme(value: str) -> str:
    """The scheme word of credentials; a lone unknown word might itself be the secret."""
    word, space, _ = value.partition(" ")
    if word.lower() in _KNOWN_SCHEMES:
        return word
    if space and len(word) <= MAX_SCHEME_CHARS and _TOKEN.fullmatch(word):
        return word
    return _size(value)


def _schemes(value: str) -> str:
    """The scheme words of a list of challenges: `Basic realm="a, b", NTLM TlRM...` → `Basic, NTLM`."""
    found = []
    for part in _QUOTED.sub('""', value).split(","):
        word, _, rest = part.strip().partition(" ")
        if word and "=" not in word and not rest.lstrip().startswith("="):
            found.append(_scheme(f"{word} "))
    return ", ".join(found)


def _policy_key(value: str) -> str:
    """Zero asks for the first policy and is no secret; anything else is the device's key."""
    return "0" if value == "0" else "(set)"


def redactor(name: str) -> Callable[[str], str] | None:
    """How values of the header `name` (lower case) are reduced; None when they may be shown."""
    if name == "x-ms-policykey":
        return _policy_key
    if name in _CHALLENGE_NAMES:
        return _schemes
    if name == "authorization":
        return _scheme
    return _size if name not in _HARMLESS_NAMES and _SECRET_NAME.search(name) else None


def basic_user(value: str) -> str | None:
    """The user name in an Authorization header (RFC 7617 section 2), `DOMAIN\\user` as it is; never the password.

    None when the scheme is another one or the credentials cannot be read.
    """
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        credentials = binascii.a2b_base64(encoded.strip())
    except (binascii.Error, ValueError):
        return None
    user, colon, _ = credentials.partition(b":")
    if not colon:  # without a colon nobody can say whether this is a name or a password
        return None
    try:
        return user.decode("utf-8")[:MAX_USER_CHARS]
    except UnicodeDecodeError:
        return user.decode("latin-1")[:MAX_USER_CHARS]


def without_userinfo(target: str) -> str:
    """A request target in absolute form without the `user:password@` that RFC 9110 4.2.4 forbids."""
    scheme, separator, rest = target.partition("://")
    authority, slash, path = rest.partition("/")
    userinfo, at, host = authority.rpartition("@")
    if not separator or not at:
        return target
    return f"{scheme}://{_size(userinfo)}@{host}{slash}{path}"
