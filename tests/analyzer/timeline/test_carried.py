"""What is remembered of Pings changes nothing: every table is as when each transaction is decoded in full."""

from typing import Any

import pandas as pd
import pytest

from analyzer.timeline.carried import Carried, Open
from dissectors.eas import EasMessage
from dissectors.events import Transaction
from tests.analyzer.timeline.dialogue import Dialogue, Link

OTHER_USER = {"user": "ben"}
NOT_WBXML = b"<html>"
TRAILING = b"\x03\x01\x6a\x00\x00\x0d\x45\x47\x03" + b"1\x00\x01\x01" + b"rest"


def pings(link: Link, start: float, **more: Any) -> None:
    """Three alike, of which the last brings changes."""
    for number in range(3):
        changed = ("5",) if number == 2 else ()
        answer = (start + number * 100 + 90, 2 if changed else 1)
        link.ping(start + number * 100, 90, folders=["5", "7"], answer=answer, changed=changed, **more)


def story() -> Dialogue:
    d = Dialogue()
    link = d.connect()
    pings(link, 10)
    link.transaction("FolderSync", 320, b"", 321)
    pings(link, 330)  # as before, after another command
    pings(link, 640, **OTHER_USER)
    pings(link, 950)
    pings(link, 1260, agent="Phone/2")
    pings(link, 1570, host="other.example.com")
    pings(link, 1880, method="OPTIONS")
    pings(link, 2190, status=504)
    pings(link, 2500, status=401)
    pings(link, 2810)
    link.ping(3120, answer=(3200, 1))  # without a body: as before
    link.ping(3210, 90, answer=(3220, 5), limit=60)
    link.ping(3230, answer=(3290, 1))
    link.ping(3300, 90, folders=["5", "7"])  # no answer
    body = b"\x03\x01\x6a\x00\x00\x0d\x45\x48\x0390\x00\x01\x01"
    for number, answer in enumerate((NOT_WBXML, TRAILING, b"", None, TRAILING)):
        link.transaction("Ping", 3400 + number * 100, body, 3490 + number * 100, answer)
        link.transaction("Ping", 4400 + number * 100, answer, 4490 + number * 100, TRAILING)
    second = d.connect(5)
    pings(second, 20, device="DEV2", version="2")
    pings(second, 400, device=None, version="2")
    for ending in (link, second):
        ending.end(5000)
    return d


def test_what_is_remembered_of_pings_changes_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = story().tables(until=5000)
    monkeypatch.setattr(Carried, "_pings_again", lambda *_: False)
    plain = story().tables(until=5000)
    assert len(quick["heartbeats"]) > 30
    for name, frame in plain.items():
        pd.testing.assert_frame_equal(quick[name], frame, obj=name)


def test_pings_alike_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Transaction] = []
    plain = Carried._says

    def says(self: Carried, open_: Open, t: Transaction, message: EasMessage) -> None:
        seen.append(t)
        plain(self, open_, t, message)

    monkeypatch.setattr(Carried, "_says", says)
    d = Dialogue()
    link = d.connect()
    pings(link, 10)
    link.transaction("FolderSync", 320, b"", 321)
    pings(link, 330)
    link.end(700)
    d.tables(until=700)
    assert len(seen) == 2
