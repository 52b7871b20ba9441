"""SUBSCRIBE, POLL and UNSUBSCRIBE, from bytes through the HTTP dissector as an engine would read them."""

import pytest

from dissectors.events import CLIENT, SERVER, Transaction
from dissectors.http import HttpConnection
from dissectors.notify import DavMessage, Poll, Subscribe, Unsubscribe, read_transaction
from tests.dissectors.notify.test_multistatus import DOCUMENTED

# protocol notes, after MSDN aa143117
SUBSCRIBE = (
    b"SUBSCRIBE /exchange/anna/Sent%20Items/?a=b HTTP/1.1\r\n"
    b"Host: be1.corp.example\r\n"
    b"Notification-Type: update/newmember\r\n"
    b"Depth: 1\r\n"
    b"Subscription-Lifetime: 3600\r\n"
    b"Notification-Delay: 30\r\n"
    b"Call-Back: httpu://fe1.corp.example:2883/42\r\n"
    b"Authorization: Negotiate YIIFabcdef==\r\n"
    b"Content-Length: 0\r\n\r\n"
)
GRANTED = (
    b"HTTP/1.1 200 OK\r\n"
    b"Subscription-ID: 17\r\n"
    b"Subscription-Lifetime: 1800\r\n"
    b"Content-Location: http://be1.corp.example/exchange/anna/Sent%20Items/\r\n"
    b"Content-Length: 0\r\n\r\n"
)
RENEW = b"SUBSCRIBE /exchange/anna/Inbox/ HTTP/1.1\r\nHost: be1\r\nSubscription-ID: 17, 18\r\nContent-Length: 0\r\n\r\n"
POLL = b"POLL /exchange/anna/Inbox/ HTTP/1.1\r\nHost: be1\r\nSubscription-ID: 17,18,19\r\nContent-Length: 0\r\n\r\n"
MULTISTATUS = (
    b"HTTP/1.1 207 Multi-Status\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(DOCUMENTED) + DOCUMENTED
)
UNSUBSCRIBE = POLL.replace(b"POLL", b"UNSUBSCRIBE")


def transaction(request: bytes, response: bytes | None) -> Transaction:
    http = HttpConnection(1)
    found = http.feed(CLIENT, request, 1, 0, 1, 0, len(request))
    if response is not None:
        found += http.feed(SERVER, response, 2, 5, 2, 5, len(response))
    found += http.close(9)
    (one,) = found
    return one


def read(request: bytes, response: bytes | None = None) -> DavMessage:
    message = read_transaction(transaction(request, response))
    assert message is not None
    return message


def test_subscription_is_read_as_a_whole() -> None:
    message = read(SUBSCRIBE, GRANTED)
    assert isinstance(message, Subscribe)
    assert (message.path, message.host) == ("/exchange/anna/Sent Items/", "be1.corp.example")
    assert (message.notification_type, message.depth) == ("update/newmember", 1)
    assert (message.lifetime_s, message.delay_s, message.subscription_ids) == (3600, 30, ())
    assert message.call_back is not None
    assert (message.call_back.host, message.call_back.port, message.call_back.path) == ("fe1.corp.example", 2883, "/42")
    assert message.answer is not None
    assert (message.answer.status, message.answer.subscription_ids, message.answer.lifetime_s) == (200, ("17",), 1800)
    assert message.answer.content_location == "/exchange/anna/Sent Items/"
    assert message.oddities == ()
    assert "YIIF" not in repr(message)


def test_renewal_names_what_it_renews() -> None:
    message = read(RENEW, GRANTED)
    assert isinstance(message, Subscribe)
    assert message.subscription_ids == ("17", "18")
    assert message.call_back is None


def test_poll_gets_the_parts_of_its_multistatus() -> None:
    message = read(POLL, MULTISTATUS)
    assert isinstance(message, Poll)
    assert message.subscription_ids == ("17", "18", "19")
    assert message.answer is not None
    assert [(part.status, part.subscription_ids) for part in message.answer.parts] == [
        (200, ("17",)),
        (204, ("18", "19")),
    ]


def test_unsubscribe_is_read_with_and_without_an_answer() -> None:
    message = read(UNSUBSCRIBE, MULTISTATUS)
    assert isinstance(message, Unsubscribe)
    assert message.answer is not None
    assert read(UNSUBSCRIBE).answer is None


@pytest.mark.parametrize("status", [b"403 Forbidden", b"412 Precondition Failed"])
def test_refusal_is_read(status: bytes) -> None:
    message = read(SUBSCRIBE, b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % status)
    assert message.answer is not None
    assert (message.answer.status, message.answer.subscription_ids) == (int(status[:3]), ())


def test_without_call_back_the_subscriber_polls() -> None:
    message = read(SUBSCRIBE.replace(b"Call-Back: httpu://fe1.corp.example:2883/42\r\n", b""), GRANTED)
    assert isinstance(message, Subscribe)
    assert (message.call_back, message.call_back_uri, message.oddities) == (None, None, ())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Depth: 1", b"Depth: infinity"),
        (b"Lifetime: 3600", b"Lifetime: soon"),
        (b"Lifetime: 3600", b"Lifetime: 99999999999"),
        (b"Delay: 30", b"Delay: -1"),
        (b"fe1.corp.example:2883/42", b"fe1.corp.example/42"),
    ],
)
def test_odd_header_is_noted_and_the_rest_is_read(old: bytes, new: bytes) -> None:
    message = read(SUBSCRIBE.replace(old, new), GRANTED)
    assert [odd.code for odd in message.oddities] == ["webdav_bad_header"]
    assert isinstance(message, Subscribe)
    assert message.notification_type == "update/newmember"


def test_damaged_multistatus_is_noted() -> None:
    damaged = MULTISTATUS.replace(b"</a:multistatus>", b"</a:multistatux>")
    message = read(POLL, damaged)
    assert [odd.code for odd in message.oddities] == ["webdav_multistatus_bad"]
    assert message.answer is not None
    assert len(message.answer.parts) == 2


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"SUBSCRIBE /event HTTP/1.1\r\nHost: tv\r\nCALLBACK: <http://10.0.0.9/>\r\nNT: upnp:event\r\n\r\n",  # UPnP
        b"UNSUBSCRIBE /event HTTP/1.1\r\nHost: tv\r\nSID: uuid:1\r\n\r\n",
        b"GET /exchange/anna/ HTTP/1.1\r\nHost: be1\r\nSubscription-ID: 17\r\n\r\n",
    ],
    ids=["gena subscribe", "gena unsubscribe", "get"],
)
def test_other_requests_are_none_of_ours(request_bytes: bytes) -> None:
    assert read_transaction(transaction(request_bytes, None)) is None


def test_answer_without_its_request_says_nothing() -> None:
    one = transaction(SUBSCRIBE, GRANTED)
    assert read_transaction(one._replace(request=None)) is None
