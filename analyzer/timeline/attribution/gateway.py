"""Error pages in the server's place: who wrote them.

504 and 502 are by their definition the words of a gateway about the server behind it (RFC 9110 15.6.3, 15.6.5); 503 and
408 any server may say. `Via` names gateways; `Server` may name one; IIS signs for itself. None of them carries the
MS-Server-ActiveSync header that MS-ASHTTP 2.2.2 asks of the server. A load balancer that ends TCP here is a gateway,
too: what matters is that the answer is not Exchange's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analyzer.timeline.attribution.weighing import Clue, Weights
from dissectors.events import Response

BY_STATUS = {504: 2.0, 502: 1.7}
VIA = 1.0
NAMED_PROXY = 0.7
IIS = 2.0
SERVER_ITSELF = 0.5  # to begin with
SHOWN = 60  # characters of a header

_PROXIES = (
    "nginx", "haproxy", "bigip", "big-ip", "netscaler", "varnish", "squid", "awselb", "cloudflare", "akamai", "ats",
    "traefik", "envoy", "microsoft-azure-application-gateway", "openresty", "caddy",
)  # fmt: skip
_SERVERS = ("microsoft-iis", "microsoft-httpapi")


class Signature(NamedTuple):
    """What an error page says of who wrote it."""

    server: str | None
    via: bool


def signature(response: Response) -> Signature:
    return Signature(response.headers.get("server"), "via" in response.headers)


def clues(status: int, signed: Signature, frames: tuple[int, ...]) -> Iterator[Clue]:
    """Who wrote an error page without the server's own header."""
    by_status = Weights(server_side=SERVER_ITSELF, middlebox=BY_STATUS.get(status, 0.3))
    yield Clue("gateway_answer", f"HTTP {status} without the server's MS-Server-ActiveSync header", frames, by_status)
    if signed.via:
        yield Clue("via", "a Via header says that it came through a gateway", frames[-1:], Weights(middlebox=VIA))
    if signed.server:
        name = signed.server.lower()
        if name.startswith(_SERVERS):
            weights = Weights(server_side=IIS)
        else:
            weights = Weights(middlebox=NAMED_PROXY if name.startswith(_PROXIES) else 0.0)
        yield Clue("server_header", f"it is signed Server: {_short(signed.server)}", frames[-1:], weights)


def _short(text: str) -> str:
    clean = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return clean if len(clean) <= SHOWN else clean[: SHOWN - 1] + "…"
