"""OPTIONS: the device asks which protocol versions and commands the server has; the answer is in headers.

Specification: MS-ASHTTP 2.2.3 and 2.2.4. It is an HTTP method and no command of the query, but a step of every
session: a device that is given a new version in MS-ASProtocolVersions starts anew.
"""

from collections.abc import Mapping
from typing import NamedTuple

from dissectors.eas.oddity import Oddity
from dissectors.eas.query import EasQuery

MAX_LISTED = 100  # versions or commands; there are ten and some thirty


class OptionsRequest(NamedTuple):
    """Says nothing but that it asks."""

    complete: bool
    oddities: tuple[Oddity, ...]


class OptionsResponse(NamedTuple):
    """What the server can do; empty: not said."""

    versions: tuple[str, ...]  # "2.5", "12.0", ..., as sent
    commands: tuple[str, ...]
    server_build: str | None  # "15.1": of Exchange, or what another server gives itself out for
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "OPTIONS"


def read_request(_body: bytes, _query: EasQuery, _headers: Mapping[str, str]) -> OptionsRequest:
    """The request: its body has no meaning."""
    return OptionsRequest(complete=True, oddities=())


def read_response(_body: bytes, _query: EasQuery, headers: Mapping[str, str]) -> OptionsResponse:
    """The response: its body has no meaning."""
    return OptionsResponse(
        versions=listed(headers.get("ms-asprotocolversions")),
        commands=listed(headers.get("ms-asprotocolcommands")),
        server_build=headers.get("ms-server-activesync"),
        complete=True,
        oddities=(),
    )


def listed(value: str | None) -> tuple[str, ...]:
    """The members of a header that is a list with commas."""
    parts = (value or "").split(",", MAX_LISTED)[:MAX_LISTED]
    return tuple([part.strip() for part in parts if part.strip()])
