"""What the HTTP status and headers of an EAS transaction say: refusals, redirects, throttling, what the server offers.

Specification: MS-ASHTTP 2.2.1.1.2 (request headers), 2.2.2.1.1 (statuses), 2.2.2.1.2 (response headers); RFC 9110
10.2.3 for Retry-After. Nothing here depends on the body, so it holds for a 449 or 503 as well as for a 200.

Left out: who the user is, cookies and credentials. `dissectors.http` has replaced secret values before they come here,
a policy key by "(set)".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from dissectors.eas import status
from dissectors.eas.commands.options import listed
from dissectors.events import Transaction

MAX_TEXT_CHARACTERS = 256  # of a header that is free text

_MAX_SECONDS = 10**9
_NO_HEADERS: Mapping[str, str] = {}

# MS-Server-ActiveSync names the build, whose first two numbers tell the product.
_PRODUCTS = {
    "6.5": "Exchange 2003",
    "8.0": "Exchange 2007",
    "8.1": "Exchange 2007 SP1",
    "8.2": "Exchange 2007 SP2",
    "8.3": "Exchange 2007 SP3",
    "14.0": "Exchange 2010",
    "14.1": "Exchange 2010 SP1",
    "14.2": "Exchange 2010 SP2",
    "14.3": "Exchange 2010 SP3",
    "15.0": "Exchange 2013",
    "15.1": "Exchange 2016",
    "15.2": "Exchange 2019",
    "15.20": "Exchange Online",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpFacts:
    """The facts of one transaction. None: not said, or that side was not seen."""

    status: int | None
    status_meaning: str | None  # on EAS, see `status.http_meaning`
    retry_after_s: int | None  # with 503: how long the device shall stay away
    throttle: str | None  # X-MS-ASThrottle: why the server slows the device down; free text
    redirect: str | None  # with 451: the address of the right server, without query; None: the device asks Autodiscover
    resync_versions: tuple[str, ...]  # X-MS-RP: the device must drop its state and start anew with one of these
    versions_offered: tuple[str, ...]  # MS-ASProtocolVersions
    commands_offered: tuple[str, ...]  # MS-ASProtocolCommands
    server_build: str | None  # MS-Server-ActiveSync
    server_product: str | None  # what that build is; "Z-Push" where it says so, which claims a build of Exchange
    password_expires_days: int | None  # X-MS-Credentials-Expire; 0: within 24 hours
    password_service: bool  # X-MS-Credential-Service-Url: there is a page to change it
    policy_key_set: bool | None  # request: X-MS-PolicyKey; False: "0", the device has none yet
    accept_multipart: bool  # request: MS-ASAcceptMultiPart
    offered_codings: tuple[str, ...]  # request: Accept-Encoding
    request_coding: str | None  # Content-Encoding
    response_coding: str | None


def http_facts(transaction: Transaction) -> HttpFacts:
    """What the heads of a transaction say."""
    request, response = transaction.request, transaction.response
    asked = request.headers if request else _NO_HEADERS
    said = response.headers if response else _NO_HEADERS
    build = _text(said.get("ms-server-activesync"))
    policy_key = asked.get("x-ms-policykey")
    return HttpFacts(
        status=response.status if response else None,
        status_meaning=status.http_meaning(response.status) if response else None,
        retry_after_s=_retry_after_s(said),
        throttle=_text(said.get("x-ms-asthrottle")),
        redirect=_address(said.get("x-ms-location")),
        resync_versions=listed(said.get("x-ms-rp")),
        versions_offered=listed(said.get("ms-asprotocolversions")),
        commands_offered=listed(said.get("ms-asprotocolcommands")),
        server_build=build,
        server_product="Z-Push" if "x-z-push-version" in said else server_product(build or ""),
        password_expires_days=_number(said.get("x-ms-credentials-expire")),
        password_service="x-ms-credential-service-url" in said,
        policy_key_set=None if policy_key is None else policy_key.strip() not in ("", "0"),
        accept_multipart=asked.get("ms-asacceptmultipart", "").strip().upper() == "T",
        offered_codings=listed(asked.get("accept-encoding")),
        request_coding=_text(asked.get("content-encoding")),
        response_coding=_text(said.get("content-encoding")),
    )


def server_product(build: str) -> str | None:
    """The product of a build number such as "15.1.2507.6"; None when it is none of Exchange."""
    return _PRODUCTS.get(".".join(build.strip().split(".", 2)[:2]))


def _retry_after_s(headers: Mapping[str, str]) -> int | None:
    """Retry-After, which is seconds or a date; the server's own Date tells how far away that is."""
    value = headers.get("retry-after")
    if value is None or (seconds := _number(value)) is not None:
        return None if value is None else seconds
    until, now = _date(value), _date(headers.get("date", ""))
    if until is None or now is None:
        return None
    return min(max(0, round((until - now).total_seconds())), _MAX_SECONDS)


def _date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value[:MAX_TEXT_CHARACTERS])
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else None  # "-0000" gives one without


def _number(value: str | None) -> int | None:
    digits = (value or "").strip()
    return min(int(digits), _MAX_SECONDS) if digits.isascii() and digits.isdigit() and len(digits) <= 20 else None


def _text(value: str | None) -> str | None:
    return value[:MAX_TEXT_CHARACTERS] if value else None


def _address(value: str | None) -> str | None:
    """Scheme, host, port and path of an address: its query may name the user, its front a password."""
    try:
        parts = urlsplit((value or "").strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    if not parts.hostname:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme or 'https'}://{host}{port}{parts.path}"[:MAX_TEXT_CHARACTERS]
