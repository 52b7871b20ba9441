"""What stands between a device and its mail: signing in, connecting anew, the directory, being woken by SMS.

`Access` takes what it needs while events arrive, and makes its tables from the finished ones: they are in order of time
and have their ids.

    authentications     a sign-in on a connection, on the device's leg and on that between the servers
    reconnects          a connection that took the place of one that had ended, and what setting it up cost
    directory_searches  LDAP, with the request that it was asked for
    answer_shares       whose time the answer to a request was
    sms_triggers        mails that make the operator wake a phone (AUTD v1), with the Sync that followed
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from analyzer.tables.builder import TableBuilder
from analyzer.tables.derived import DerivedTable
from analyzer.timeline.access import authentication, directory, reconnects, shares, triggers
from analyzer.timeline.columns import Codes
from dissectors.events import CLIENT, Anomaly, Connection, DirectorySearch, Transaction, TriggerMail

Built: TypeAlias = Mapping[str, TableBuilder | DerivedTable]

CHALLENGES = (401, 407)
MAX_KEPT = 1_000_000  # searches of the directory and mails to telephones, of a third of a kilobyte; others are counted


class Access:
    """Feed it every event that it `wants`."""

    def __init__(self) -> None:
        self._beyond = 0
        self._authentications = authentication.Authentications()
        self._open = self._authentications.open
        self._searches: list[DirectorySearch] = []
        self._mails: list[TriggerMail] = []

    def wants(self, t: Transaction) -> bool:
        """Whether a transaction can be part of a sign-in: the first of its connection, or one near a challenge."""
        return (
            t.number == 1
            or t.connection_id in self._open
            or (t.response is not None and t.response.status in CHALLENGES)
        )

    def transaction(self, t: Transaction, row: int) -> None:
        """One that is wanted; `row` is its place in `Transactions`."""
        self._authentications.add(t, row)

    def connection(self, c: Connection) -> None:
        """It has ended."""
        if c.tls is not None and c.tls.certificates[CLIENT]:
            self._authentications.with_certificate(c.connection_id)
        if c.connection_id in self._open:
            self._authentications.ended(c.connection_id)

    def event(self, event: DirectorySearch | TriggerMail) -> None:
        """Whatever is no HTTP."""
        if len(self._mails) + len(self._searches) >= MAX_KEPT:
            self._beyond += 1
        elif isinstance(event, TriggerMail):
            self._mails.append(event)
        else:
            self._searches.append(event)

    def anomalies(self) -> list[Anomaly]:
        """What was left out."""
        if not self._beyond:
            return []
        detail = f"{self._beyond:,} searches of the directory and mails to telephones, after {MAX_KEPT:,}"
        return [Anomaly(code="access_limit", frame=None, time_ns=None, detail=detail)]

    def finish(self, built: Built, transaction_ids: Codes, session_ids: Codes) -> dict[str, TableBuilder]:
        """The tables. `built`: those of the timeline; the arrays: ids by row of `Transactions`, 0 for no session."""
        signed = self._authentications.finish(transaction_ids, session_ids)
        asked = directory.Front(built)
        searches = directory.rows(self._searches, asked, built)
        return {
            "authentications": signed,
            "reconnects": reconnects.rows(built, signed),
            "directory_searches": searches,
            "answer_shares": shares.rows(searches, asked, built),
            "sms_triggers": triggers.rows(self._mails, built),
        }
