"""What is read beside HTTP for a few facts: mails that trigger an SMS (SMTP) and questions to the directory (LDAP).

`begin` looks at the first bytes of a connection that is neither TLS nor HTTP. The readers take plain segments; what TLS
or a security layer hides is not read.
"""

from typing import Protocol

from dissectors.events import Anomaly, DirectorySearch, TriggerMail

_FIRST_BYTES = frozenset(b"2EHLehl0")  # of an SMTP greeting or hello in any case; "0" is the tag of an LDAP message


class Sideline(Protocol):
    """Reads both sides of one connection."""

    hopeless: bool  # nothing more can come of it

    def feed(self, side: int, data: bytes, frame: int, time_ns: int) -> list[TriggerMail] | list[DirectorySearch]:
        """The next bytes of a side, from one frame."""

    def gap(self, side: int, length: int, frame: int, time_ns: int) -> list[TriggerMail] | list[DirectorySearch]:
        """Bytes of a side are not in the capture."""

    def close(self) -> list[TriggerMail] | list[DirectorySearch]:
        """No more bytes come."""

    @property
    def anomalies(self) -> list[Anomaly]:
        """Those since the last look; who takes them clears the list."""


def begin(side: int, first: bytes, connection_id: int, capture: int) -> tuple[Sideline, int] | bool | None:
    """The reader for a connection whose `side` says `first`, and 1 where the sides are the other way round. False: none
    is; None: more bytes are needed."""
    if first and first[0] not in _FIRST_BYTES:  # as of most bystanders: they cost no more than this
        return False
    from dissectors.autd import SmtpConnection, looks_like_smtp
    from dissectors.ldap import LdapConnection, looks_like_ldap

    unsure = False
    for flip in (0, 1):
        for looks_like, reader in ((looks_like_smtp, SmtpConnection), (looks_like_ldap, LdapConnection)):
            found = looks_like(side ^ flip, first)
            if found:
                return reader(connection_id, capture), flip
            unsure = unsure or found is None
    return None if unsure else False
