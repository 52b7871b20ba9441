"""NOTIFY datagrams: the documented form, the forms that receivers accept, and what is none."""

import pytest

from dissectors.events import Anomaly, Datagram
from dissectors.notify import CallBack, Notification, Oddity, read_datagram, read_notify
from dissectors.notify.httpu import MAX_HEAD_BYTES

# MSDN aa142938, host and ids changed
DOCUMENTED = b"NOTIFY httpu://fe1.corp.example:2883/42 HTTP/1.1\r\nSubscription-id: 17\r\n\r\n"
CALL_BACK = CallBack("httpu", "fe1.corp.example", 2883, "/42")


def read(payload: bytes, complete: bool = True) -> Notification:
    found = read_notify(payload, complete)
    assert isinstance(found, Notification), found
    return found


def codes(payload: bytes, complete: bool = True) -> list[str]:
    return [odd.code for odd in read(payload, complete).oddities]


def datagram(payload: bytes, complete: bool = True) -> Datagram:
    return Datagram(
        capture=3,
        frame=25,
        time_ns=1_000,
        source_ip="10.0.0.5",
        source_port=1046,
        destination_ip="10.0.0.4",
        destination_port=2883,
        payload=payload,
        complete=complete,
    )


def test_documented_form() -> None:
    found = read(DOCUMENTED)
    assert found == Notification("NOTIFY", "httpu://fe1.corp.example:2883/42", CALL_BACK, ("17",), {}, ())


@pytest.mark.parametrize(
    ("payload", "ids"),
    [
        (DOCUMENTED.replace(b"17", b"1, 18, 243"), ("1", "18", "243")),
        (DOCUMENTED.replace(b": 17", b":17"), ("17",)),
        (DOCUMENTED[:-2], ("17",)),  # the shape in MSDN has no empty line
        (DOCUMENTED.replace(b"-id", b"-ID"), ("17",)),
        (DOCUMENTED.replace(b"Subscription-id", b"sUBSCRIPTION-iD"), ("17",)),
        (DOCUMENTED.replace(b"\r\nSub", b"\r\nHost: fe1\r\nSub"), ("17",)),
        (b"\r\n\r\n" + DOCUMENTED, ("17",)),  # RFC 9112 2.2
        (DOCUMENTED.replace(b"17\r\n", b"17\r\nSubscription-ID: 18\r\n"), ("17", "18")),  # RFC 9110 5.3
        (DOCUMENTED.replace(b"17\r\n", b"17,\r\n 18\r\n"), ("17", "18")),  # folded
        (DOCUMENTED.replace(b"Subscription-id: 17\r\n", b""), ()),  # unsolicited
        (DOCUMENTED.replace(b"/42", b""), ("17",)),  # no path
    ],
)
def test_allowed_forms_are_read_without_a_remark(payload: bytes, ids: tuple[str, ...]) -> None:
    found = read(payload)
    assert found.subscription_ids == ids
    assert found.oddities == ()


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (DOCUMENTED.replace(b"\r\n", b"\n"), "notify_line_ends"),
        (DOCUMENTED.replace(b"\r\n", b"\r"), "notify_line_ends"),
        (DOCUMENTED.replace(b"NOTIFY", b"notify"), "notify_first_line"),
        (DOCUMENTED.replace(b" HTTP/1.1", b" http/1.1"), "notify_first_line"),
        (DOCUMENTED.replace(b" HTTP/1.1", b""), "notify_first_line"),
        (DOCUMENTED.replace(b"NOTIFY ", b"NOTIFY   "), "notify_first_line"),
        (DOCUMENTED.replace(b"httpu://fe1.corp.example:2883/42", b"/42"), "notify_bad_uri"),
        (DOCUMENTED.replace(b":2883", b""), "notify_bad_uri"),
        (DOCUMENTED.replace(b"\r\nSub", b"\r\nrubbish\r\nSub"), "notify_bad_header"),
        (DOCUMENTED.replace(b"17", b"17, x"), "notify_bad_id"),
        (DOCUMENTED + b"<xml/>", "notify_body"),
        (DOCUMENTED + b"\r\n" + b" " * MAX_HEAD_BYTES, "notify_too_long"),
        (DOCUMENTED.replace(b"\r\nSub", b"\r\nA: b" * 70 + b"\r\nSub"), "notify_too_long"),
    ],
)
def test_odd_forms_are_read_with_a_remark(payload: bytes, code: str) -> None:
    assert code in codes(payload)


def test_one_oddity_costs_nothing_but_a_remark() -> None:
    assert read(DOCUMENTED.replace(b"\r\n", b"\n")).subscription_ids == ("17",)
    assert read(DOCUMENTED.replace(b"NOTIFY", b"notify")).call_back == CALL_BACK


def test_trailing_nul_bytes_are_nothing() -> None:
    assert codes(DOCUMENTED + b"\0\0") == []


@pytest.mark.parametrize(
    "payload",
    [
        b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNT: upnp:rootdevice\r\nNTS: ssdp:alive\r\n\r\n",  # SSDP
        b"NOTIFY sip:anna@10.0.0.9:5060 SIP/2.0\r\nEvent: message-summary\r\n\r\n",  # RFC 6665
    ],
    ids=["ssdp", "sip"],
)
def test_other_protocols_that_say_notify_are_none_of_ours(payload: bytes) -> None:
    assert read_notify(payload) is None
    assert read_datagram(datagram(payload)) is None


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "notify_not"),
        (b"\x12\x34\x01\x00", "notify_not"),
        (b"M-SEARCH * HTTP/1.1\r\n\r\n", "notify_not"),
        (b"NOTIFY", "notify_malformed"),
        (b"NOTIFY\r\n\r\n", "notify_malformed"),
        (b"NOTIFYING httpu://fe1:2883 HTTP/1.1\r\n", "notify_malformed"),
        (b"NOTIFY httpu://fe1:2883/a b c HTTP/1.1\r\n", "notify_malformed"),
        (b"NOTIFY httpu://fe1:2883 FTP/1.1\r\n", "notify_malformed"),
    ],
)
def test_malformed_one_is_an_anomaly_with_frame_and_time(payload: bytes, code: str) -> None:
    found = read_notify(payload)
    assert isinstance(found, Oddity)
    assert found.code == code
    assert read_datagram(datagram(payload)) == Anomaly(
        code=code, frame=25, time_ns=1_000, detail=found.detail, capture=3
    )


def test_every_cut_is_read_as_far_as_it_goes_and_says_so() -> None:
    """As the snap length or the quote of an ICMP error leaves it."""
    for length in range(len(DOCUMENTED)):
        found = read_notify(DOCUMENTED[:length], complete=False)
        if length <= len(b"NOTIFY httpu://fe1.corp.example:2883/42 HTTP/1."):
            assert isinstance(found, Oddity) or found is None or found.subscription_ids == (), length
        else:
            assert isinstance(found, Notification), length
            assert "notify_truncated" in [odd.code for odd in found.oddities]
            assert found.subscription_ids in ((), ("1",), ("17",)), length


def test_headers_of_interest_are_kept_and_others_are_not() -> None:
    found = read(DOCUMENTED.replace(b"\r\nSub", b"\r\nServer: IIS\r\nAuthorization: Basic eDp5\r\nSub"))
    assert found.headers == {"server": "IIS"}
