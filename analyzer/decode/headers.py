"""Headers of interest: those that tell protocol, framing, throttling, and who answered; in their usual spelling.

Secrets are reduced by `dissectors.http` already. Here the personal ones are left out: whatever may hold a user's name,
an address, or a query.
"""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.findings.words import plain

MAX_SHOWN = 400  # characters of a value

_NAMES = """
    Accept-Encoding Accept-Language Allow Authorization Cache-Control Connection Content-Encoding Content-Length
    Content-Type Date Expect Host Keep-Alive Location MS-ASAcceptMultiPart MS-ASProtocolCommands
    MS-ASProtocolRevisions MS-ASProtocolVersion MS-ASProtocolVersions MS-Server-ActiveSync Pragma
    Proxy-Authenticate Proxy-Connection Retry-After Server Transfer-Encoding Upgrade User-Agent Via
    WWW-Authenticate X-AspNet-Version X-BEServer X-Cache X-DiagInfo X-FEServer X-MS-ASError X-MS-ASThrottle
    X-MS-BackOffDuration X-MS-Diagnostics X-MS-Location X-MS-MV X-MS-PolicyKey X-MS-RP X-NoCompression
    X-Powered-By X-RequestId request-id
"""
_SPELLING = {name.lower(): name for name in _NAMES.split()}
_PREFIXES = ("ms-", "x-ms-")
_PERSONAL = ("user", "mail", "account", "owner", "alias")


def of_interest(headers: Mapping[str, str]) -> dict[str, str]:
    """Those that are shown, in the order in which they were sent, by their usual spelling."""
    found = {}
    for name, value in headers.items():
        if name not in _SPELLING and not name.startswith(_PREFIXES):
            continue
        if name not in _SPELLING and any(word in name for word in _PERSONAL):
            value = f"«{len(value)} characters»"
        elif value.startswith(("http:", "https:")) and "?" in value:
            value = f"{value.partition('?')[0]}?..."
        found[plain(_SPELLING.get(name, name))] = plain(value, MAX_SHOWN)
    return found
