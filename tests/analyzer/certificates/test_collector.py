"""What is taken down of connections: counted by chain and name, bounded, each copy once."""

from typing import Any

import pytest

from analyzer.certificates import Certificates, collector
from analyzer.tables import read
from dissectors.events import CLIENT, SERVER, Connection, TlsFacts
from dissectors.tls.handshake import certificates
from tests.analyzer.certificates.authority import NOW_NS, root, roots
from tests.analyzer.timeline.dialogue import Dialogue

PUBLIC = root("Public Root")
LEAF = PUBLIC.server("mail.test")
OTHER = PUBLIC.server("web.test")
FATAL, WARNING = 2, 1


def connection(number: int = 1, *, chain: tuple[bytes, ...] = (LEAF.der,), **tls: Any) -> Connection:
    dialogue = Dialogue()
    dialogue.connect().end(1)
    (made,) = [event for event in dialogue.events if isinstance(event, Connection)]
    facts = {
        "version": "TLS 1.2", "cipher": None, "sni": "mail.test", "alpn": None, "resumed": False,
        "client_random": None, "close_notify_ns": (None, None), "close_notify_frame": (None, None), "alerts": (),
        "certificates": ((), chain),
    }  # fmt: skip
    start = NOW_NS + number * 10**9
    return made._replace(connection_id=number, start_ns=start, first_frame=number, tls=TlsFacts(**(facts | tls)))


def rows(*connections: Connection) -> list[dict[str, Any]]:
    collected = Certificates(roots(PUBLIC))
    for one in connections:
        collected.add(one)
    assert collected.anomalies() == []
    return read.rows(collected.finish())


def test_equal_chains_for_one_name_are_one_row_whatever_their_order() -> None:
    (row,) = rows(connection(3), connection(1), connection(2))
    assert (row["connections"], row["first_seen"], row["last_seen"]) == (3, NOW_NS + 10**9, NOW_NS + 3 * 10**9)
    assert (row["connection_id"], row["first_frame"]) == (1, 1)


def test_another_name_or_chain_is_another_row() -> None:
    found = rows(connection(1), connection(2, sni=None), connection(3, chain=(OTHER.der,)))
    assert [(row["chain_id"], row["server_name"], row["subject"]) for row in found] == [
        (1, "mail.test", "CN=mail.test"),
        (2, None, "CN=mail.test"),
        (3, "mail.test", "CN=web.test"),
    ]


def test_the_connection_that_is_named_is_one_that_was_refused() -> None:
    refused = connection(2, alerts=((CLIENT, 77, FATAL, 48),))
    (row,) = rows(connection(1), refused, connection(3))
    assert (row["connection_id"], row["first_frame"], row["frames"]) == (2, 1, [77])


@pytest.mark.parametrize(
    "alert",
    [
        (CLIENT, 9, WARNING, 42),  # the client went on
        (CLIENT, 9, FATAL, 80),  # an error of its own
        (CLIENT, 9, FATAL, 90),  # the user cancelled
        (SERVER, 9, FATAL, 51),  # nothing to do with who anybody is
    ],
)
def test_other_alerts_tell_nothing_of_certificates(alert: tuple[int, int, int, int]) -> None:
    assert rows(connection(chain=(), alerts=(alert,))) == []
    (row,) = rows(connection(alerts=(alert,)))
    assert (row["refusals"], row["client_refusals"], row["server_alerts"], row["frames"]) == (0, [], [], [])


def test_connections_without_tls_or_certificate_leave_no_row() -> None:
    assert rows(connection()._replace(tls=None), connection(chain=())) == []


def test_copies_of_a_connection_count_once() -> None:
    (row,) = rows(connection(1), connection(2)._replace(duplicate_of=1))
    assert row["connections"] == 1


def test_what_is_no_certificate_is_said_to_be_unreadable() -> None:
    (row,) = rows(connection(chain=(b"mail", LEAF.der)))
    assert (row["chain"], row["chain_length"], row["subject"], row["problems"]) == ("unreadable", 2, None, [])
    (row,) = rows(connection(chain=(LEAF.der, b"mail")))
    assert (row["chain"], row["chain_length"]) == ("complete", 2)


def test_the_server_of_another_row_can_show_that_an_issuer_is_no_root() -> None:
    middle = PUBLIC.below("Middle")
    alone = middle.server("mail.test")
    whole = connection(2, chain=(middle.server("web.test").der, middle.der), sni="web.test")
    (row,) = rows(connection(1, chain=(alone.der,)))
    assert [(one["kind"], one["grade"]) for one in row["problems"]] == [("unknown_root", "likely")]
    row, _ = rows(connection(1, chain=(alone.der,)), whole)
    assert [(one["kind"], one["grade"]) for one in row["problems"]] == [("missing_intermediate", "proven")]


def test_more_than_can_be_kept_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "ROWS_LIMIT", 2)
    collected = Certificates(roots(PUBLIC))
    for number in range(5):
        collected.add(connection(number, sni=f"mail{number}.test"))
    (odd,) = collected.anomalies()
    assert (odd.code, "3 connections" in odd.detail) == ("certificates_left_out", True)
    assert len(collected.finish()) == 2


def test_the_bytes_of_chains_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "BYTES_LIMIT", 1000)
    collected = Certificates(roots(PUBLIC))
    for number in range(10):
        collected.add(connection(number, chain=(bytes([number]) * 400,)))
    assert len(collected.finish()) == 2


def test_connections_share_one_copy_of_a_chain() -> None:
    body = len(LEAF.der + b"123").to_bytes(3, "big") + len(LEAF.der).to_bytes(3, "big") + LEAF.der
    first = certificates(body, 0x0303)
    assert first == (LEAF.der,)
    assert certificates(bytes(bytearray(body)), 0x0303) is first
