"""Sign-ins, reconnects, searches, shares and triggers, from the events that an engine would yield."""

from dataclasses import replace
from typing import Any

import pytest

from analyzer.timeline import access
from analyzer.timeline.access.legs import leg
from analyzer.timeline.names import bare, mailbox
from dissectors.events import DirectorySearch, TlsFacts, Transaction, TriggerMail
from tests.analyzer.timeline.dialogue import Dialogue, Link, at, frame

FRONT_END, DIRECTORY, MAILBOX = "203.0.113.10", "10.0.0.10", "10.0.0.5"


def signed(t: Transaction, d: Dialogue, scheme: str | None, offered: str = "") -> None:
    """Gives the newest transaction an Authorization, and its answer a challenge."""
    request, response = t.request, t.response
    assert request is not None
    if scheme is not None:
        request = request._replace(headers={**request.headers, "authorization": scheme})
    if offered:
        assert response is not None
        response = response._replace(headers={**response.headers, "www-authenticate": offered})
    d.events[-1] = t._replace(request=request, response=response)


def sync(
    link: Link, sent: float, answered: float | None, status: int = 200, scheme: str | None = None, **more: Any
) -> None:
    t = link.transaction("Sync", sent, b"", answered, b"", status=status, **more)
    signed(t, link.dialogue, scheme, "Basic" if status == 401 else "")


def propfind(link: Link, sent: float, answered: float, status: int, scheme: str | None, user: str = "anna") -> None:
    t = link.transaction(
        None, sent, b"", answered, b"", status=status, method="PROPFIND", path=f"/exchange/{user}/Inbox/", user=None,
        device=None, host="be1", server_header=False,
    )  # fmt: skip
    signed(t, link.dialogue, scheme, "Negotiate, NTLM" if status == 401 else "")


def search(d: Dialogue, link: Link, start: float, end: float | None, user: str | None = None, **more: Any) -> None:
    base = DirectorySearch(
        connection_id=link.number, capture=0, operation="search", start_ns=at(start), first_frame=frame(start),
        end_ns=None if end is None else at(end), last_frame=None if end is None else frame(end), rounds=1,
        mechanism=None, scope="subtree", searched_by=user and "sAMAccountName", user=user, result_code=0, entries=1,
        bytes_client=80, bytes_server=120,
    )  # fmt: skip
    d.events.append(replace(base, **more))


def exchanges(d: Dialogue) -> list[tuple[Any, ...]]:
    names = ("leg", "scheme", "offered", "rounds", "time_ms", "bytes", "outcome", "session_id")
    return [tuple(row[name] for name in names) for row in d.rows("authentications")]


def test_a_challenge_that_basic_answers_is_one_round() -> None:
    d = Dialogue()
    link = d.connect()
    sync(link, 1.0, 1.01, 401)
    sync(link, 1.1, 1.4, scheme="Basic")
    sync(link, 2.0, 2.4, scheme="Basic")  # nothing new
    link.end(5)
    assert exchanges(d) == [("front", "basic", "basic", 1, pytest.approx(100.0), 800, "accepted", 1)]
    assert d.rows("authentications")[0]["transaction_id"] == 2


def test_ntlm_between_the_servers_takes_two_rounds_and_has_no_session() -> None:
    d = Dialogue()
    link = d.connect(client=FRONT_END, server=MAILBOX)
    propfind(link, 1.0, 1.01, 401, None)
    propfind(link, 1.02, 1.03, 401, "NTLM")
    propfind(link, 1.04, 1.2, 207, "NTLM")
    link.end(5)
    assert exchanges(d) == [("back", "ntlm", "negotiate, ntlm", 2, pytest.approx(40.0), 1600, "accepted", None)]


@pytest.mark.parametrize(
    ("status", "answered", "outcome"), [(200, 1.5, "accepted"), (403, 1.5, "forbidden"), (200, None, "unknown")]
)
def test_credentials_without_being_asked_cost_no_round(status: int, answered: float | None, outcome: str) -> None:
    d = Dialogue()
    link = d.connect()
    sync(link, 1.0, answered, status, "Bearer")
    link.end(5)
    assert exchanges(d) == [("front", "bearer", None, 0, 0.0, 0, outcome, 1)]


def test_a_challenge_that_nothing_follows_is_a_refusal_and_a_late_attempt_is_another() -> None:
    d = Dialogue()
    link = d.connect()
    sync(link, 1.0, 1.01, 401, "Basic")
    sync(link, 100.0, 100.01, 401, "Basic")
    link.end(105)
    assert [row[3:7:3] for row in exchanges(d)] == [(1, "refused"), (1, "refused")]


def test_without_any_header_the_scheme_is_none_and_other_sites_are_left_out() -> None:
    d = Dialogue()
    link = d.connect()
    sync(link, 1.0, 1.5)
    link.end(5)
    other = d.connect()
    signed(
        other.transaction(None, 2, b"", 2.1, b"", status=401, path="/owa/", user=None, device=None), d, "Basic", "NTLM"
    )
    other.end(6)
    assert [row[:2] for row in exchanges(d)] == [("front", "none")]


def test_a_certificate_of_the_client_is_the_scheme_where_no_header_is() -> None:
    d = Dialogue()
    for scheme in (None, "Basic"):
        link = d.connect()
        sync(link, 1.0, 1.5, scheme=scheme)
        link.end(5, tls=tls("TLS 1.2", False)._replace(certificates=((b"of the client",), (b"of the server",))))
    assert sorted(row[1] for row in exchanges(d)) == ["basic", "client_certificate"]
    assert "of the client" not in str(d.rows("authentications"))


def tls(version: str, resumed: bool | None) -> TlsFacts:
    return TlsFacts(
        version=version, cipher=None, sni=None, alpn=None, resumed=resumed, client_random=None,
        close_notify_ns=(None, None), close_notify_frame=(None, None), alerts=(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "trips", "full"),
    [
        (tls("TLS 1.3", False), 2, True),
        (tls("TLS 1.2", False), 3, True),
        (tls("TLS 1.2", True), 2, False),
        (tls("TLS 1.0", None), None, None),
        (None, 1, None),
    ],
)
def test_a_connection_in_the_place_of_an_ended_one_is_a_reconnect(
    facts: TlsFacts | None, trips: int | None, full: bool | None
) -> None:
    d = Dialogue()
    for start in (0.0, 10.0):
        link = d.connect(start)
        sync(link, start + 0.25, start + 1, scheme="Basic")
        link.end(start + 5, tls=facts, client={"payload_bytes": 1500}, server={"payload_bytes": 4300})
    (row,) = d.rows("reconnects")
    assert (row["connection_id"], row["replaces_id"], row["gap_s"]) == (2, 1, 5.0)
    assert row["setup_ms"] == pytest.approx(250.0)
    assert (row["round_trips"], row["full_handshake"]) == (trips, full)
    # 5800 bytes of payload less the 500 and 300 of request and answer
    assert row["setup_bytes"] == (5000 if facts else 0)


def test_connections_side_by_side_replace_none() -> None:
    d = Dialogue()
    for start, end in ((0.0, 50.0), (1.0, 60.0)):
        link = d.connect(start)
        sync(link, start + 1, start + 2)
        link.end(end)
    assert d.rows("reconnects") == []


def test_an_ended_connection_is_replaced_once() -> None:
    d = Dialogue()
    for start, end in ((0.0, 5.0), (10.0, 50.0), (11.0, 50.0)):  # the third runs beside the second
        link = d.connect(start)
        sync(link, start + 0.5, start + 1)
        link.end(end)
    assert [row["connection_id"] for row in d.rows("reconnects")] == [2]


def asking(d: Dialogue) -> tuple[Link, Link]:
    """Anna's request from 10.0 to 11.0; the front-end's connection to the directory."""
    front = d.connect()
    sync(front, 10.0, 11.0)
    return front, d.connect(client=FRONT_END, server=DIRECTORY)


@pytest.mark.parametrize(
    ("start", "user", "expected"),
    [
        (10.2, "anna", (1, "user")),
        (10.2, "SMTP:Anna@corp.example", (1, "user")),
        (10.2, None, (1, "time")),
        (10.2, "somebody", (1, "time")),  # nobody who has a session: looked up in Anna's request
        (12.0, "anna", (None, None)),
        (9.0, None, (None, None)),
    ],
)
def test_a_search_belongs_to_the_request_that_was_being_answered(
    start: float, user: str | None, expected: tuple[Any, Any]
) -> None:
    d = Dialogue()
    front, ldap = asking(d)
    search(d, ldap, start, start + 0.1, user)
    for link in (front, ldap):
        link.end(20)
    (row,) = d.rows("directory_searches")
    assert (row["transaction_id"], row["matched_by"]) == expected
    assert (row["client_ip"], row["server_ip"], row["entries"]) == (FRONT_END, DIRECTORY, 1)
    assert row["time_ms"] == pytest.approx(100.0)


def test_of_two_requests_only_a_name_can_tell() -> None:
    d = Dialogue()
    front, ldap = asking(d)
    other = d.connect()
    sync(other, 10.1, 11.1, user="ben", device="DEV2")
    search(d, ldap, 10.2, 10.3)
    search(d, ldap, 10.4, 10.5, "ben")
    for link in (front, ldap, other):
        link.end(20)
    assert [row["transaction_id"] for row in d.rows("directory_searches")] == [None, 2]


def test_the_time_to_an_answer_is_divided_and_adds_up() -> None:
    d = Dialogue()
    front, ldap = asking(d)
    search(d, ldap, 10.1, 10.3, "anna")
    search(d, ldap, 10.2, 10.4, "anna")  # 100 ms of it at the same time
    search(d, ldap, 10.9, None, "anna")  # no result: no time
    back = d.connect(client=FRONT_END, server=MAILBOX)
    propfind(back, 10.35, 10.8, 207, "Negotiate")
    for link in (front, ldap, back):
        link.end(20)
    (row,) = d.rows("answer_shares")
    assert (row["transaction_id"], row["session_id"], row["command"], row["held"]) == (1, 1, "Sync", False)
    assert (row["searches"], row["backend_requests"]) == (2, 1)
    parts = [row[name] for name in ("directory_ms", "backend_ms", "rest_ms")]
    assert parts == [pytest.approx(300.0), pytest.approx(400.0), pytest.approx(300.0)]
    assert sum(parts) == pytest.approx(row["answer_ms"])


@pytest.mark.parametrize(
    ("port", "facts", "listed"),
    [
        (636, None, 1),
        (3269, None, 1),
        (389, tls("TLS 1.2", False), 1),
        (443, tls("TLS 1.2", False), 0),
        (389, None, 0),
    ],
)
def test_ldap_that_stays_closed_is_only_counted(port: int, facts: TlsFacts | None, listed: int) -> None:
    d = Dialogue()
    link = d.connect(client=FRONT_END, server=DIRECTORY)
    link.end(9, tls=facts, server={"port": port, "payload_bytes": 100}, client={"payload_bytes": 50})
    rows = d.rows("directory_searches")
    assert [(row["operation"], row["bytes"]) for row in rows] == [("encrypted", 150)] * listed


def trigger(d: Dialogue, link: Link, sent: float, recipient: str = "+14255550100@sms.example", **more: Any) -> None:
    base = TriggerMail(
        connection_id=link.number, capture=0, start_ns=at(sent - 0.5), first_frame=frame(sent - 0.5), time_ns=at(sent),
        frame=frame(sent), recipient=recipient, numeric=True, gateway=True, from_exchange=True, message_bytes=238,
        accepted=True,
    )  # fmt: skip
    d.events.append(replace(base, **more))


def coming(d: Dialogue, times: list[float], **more: Any) -> None:
    for begin in times:
        link = d.connect(begin - 0.2)
        link.sync(begin, {"5": "1"}, answered_at=begin + 0.2, received={"5": ("2", 1)}, **more)
        link.end(begin + 1)


def test_triggers_belong_to_the_session_that_follows_most_of_them_within_three_minutes() -> None:
    d = Dialogue()
    mail = d.connect(client=MAILBOX, server="192.0.2.25")
    for sent in (100.0, 2000.0, 5000.0):
        trigger(d, mail, sent)
    mail.end(6000)
    coming(d, [130.0, 2179.0])
    coming(d, [150.0, 3000.0, 8000.0], user="ben", device="DEV2")
    rows = d.rows("sms_triggers")
    assert [row["session_id"] for row in rows] == [1, 1, 1]
    assert [row["trigger_to_sync_s"] for row in rows] == [30.0, 179.0, None]
    assert [row["transaction_id"] for row in rows] == [1, 3, None]
    assert [(r["user"], r["sync_mode"]) for r in d.rows("sessions")] == [("anna", "sms_triggered"), ("ben", "unknown")]


def test_two_sessions_that_follow_alike_leave_it_open() -> None:
    d = Dialogue()
    mail = d.connect(client=MAILBOX, server="192.0.2.25")
    trigger(d, mail, 100.0)
    mail.end(6000)
    coming(d, [130.0])
    coming(d, [150.0], user="ben", device="DEV2")
    assert [row["session_id"] for row in d.rows("sms_triggers")] == [None]


def test_later_than_three_minutes_is_not_because_of_it_and_push_needs_no_trigger() -> None:
    d = Dialogue()
    mail = d.connect(client=MAILBOX, server="192.0.2.25")
    trigger(d, mail, 100.0, numeric=False, from_exchange=False)
    mail.end(6000)
    coming(d, [281.0])
    push = d.connect()
    push.ping(50, 120, user="ben", device="DEV2", answer=(105, 2), changed=("5",))
    push.sync(106, {"5": "1"}, answered_at=107, received={"5": ("2", 1)}, user="ben", device="DEV2")
    push.end(110)
    (row,) = d.rows("sms_triggers")
    assert (row["session_id"], row["evidence_grade"], row["carrier_domain"]) == (None, "possible", "sms.example")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/Microsoft-Server-ActiveSync", "front"),
        ("POST", "/Microsoft-Server-ActiveSync/Proxy/default.eas", "back"),
        ("POST", "/autodiscover/autodiscover.xml", "front"),
        ("SUBSCRIBE", "/anything", "back"),
        ("PROPFIND", "http://be1/Exchange/anna/", "back"),
        ("PROPFIND", "/sites/team/", None),
        ("GET", None, None),
    ],
)
def test_legs(method: str, path: str | None, expected: str | None) -> None:
    assert leg(method, path) == expected


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("CORP\\Anna", "anna"),
        ("anna@corp.example", "anna"),
        ("SMTP:anna@corp.example", "anna"),
        ("/o=Corp/ou=First/cn=Recipients/cn=anna", "anna"),
        ("CN=Anna,OU=Users,DC=corp", "anna"),
        ("", None),
        (None, None),
        ("@", None),
    ],
)
def test_names(written: str | None, name: str | None) -> None:
    assert bare(written) == name


def test_mailbox_of_a_path() -> None:
    assert (mailbox("/exchange/Anna/Inbox/"), mailbox("/"), mailbox(None)) == ("anna", None, None)


def test_what_is_not_kept_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "MAX_KEPT", 1)
    d, seen = Dialogue(), access.Access()
    search(d, d.connect(), 1.0, 2.0)
    (event,) = (each for each in d.events if isinstance(each, DirectorySearch))
    assert not seen.anomalies()
    for _ in range(3):
        seen.event(event)
    (odd,) = seen.anomalies()
    assert (odd.code, odd.detail.startswith("2 ")) == ("access_limit", True)
