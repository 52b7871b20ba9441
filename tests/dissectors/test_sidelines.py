"""SMTP and LDAP on a connection's way up: recognised from either side and in any pieces, and nothing else is."""

import pytest

from dissectors.events import CLIENT, SERVER, Anomaly, DirectorySearch, Event, TriggerMail
from dissectors.net.evidence import Upper
from dissectors.stream import ConnectionStream, Shared
from dissectors.tls import KeyLog

SMTP = (
    (SERVER, b"220 gw ESMTP\r\n"),
    (CLIENT, b"EHLO be1\r\n"),
    (SERVER, b"250 gw\r\n"),
    (CLIENT, b"MAIL FROM:<>\r\nRCPT TO:<+14255550100@sms.example>\r\nDATA\r\n"),
    (SERVER, b"250 OK\r\n250 OK\r\n354 go\r\n"),
    (CLIENT, b"From: x\r\n\r\n6F9619FF-8B86-D011-B42D-00C04FC964FF\r\n.\r\n"),
    (SERVER, b"250 queued\r\n"),
)
# messageID 1; search [APPLICATION 3]: base "", scope base, never dereference aliases, no limits, types too, filter
# (cn=Anna), no attributes
SEARCH = bytes.fromhex(
    "3024 020101 631f 0400 0a0100 0a0100 020100 020100 010100 a30a 0402 636e 0404 416e6e61 3000".replace(" ", "")
)
DONE = bytes.fromhex("300c 020101 6507 0a0100 0400 0400".replace(" ", ""))  # searchResDone: success
LDAP = ((CLIENT, SEARCH), (SERVER, DONE))
Turns = tuple[tuple[int, bytes], ...]


def play(turns: Turns, step: int | None = None, number: int = 1) -> tuple[ConnectionStream, list[Event], Upper]:
    stream = ConnectionStream(number, Shared(KeyLog(), 3))
    frame = 0
    for side, data in turns:
        for start in range(0, len(data), step or len(data)):
            frame += 1
            part = data[start : start + (step or len(data))]
            if stream.wanted:
                stream.feed(side, part, [len(part)], [frame], [frame * 1000])
    upper = stream.close(frame * 1000, (True, True))
    return stream, stream.take_events(), upper


def turned(turns: Turns) -> Turns:
    return tuple((1 - side, data) for side, data in turns)


@pytest.mark.parametrize("step", [None, 1, 3, 7])
@pytest.mark.parametrize("flip", [False, True])
def test_a_trigger_mail_comes_out_of_its_connection(step: int | None, flip: bool) -> None:
    _, (mail,), upper = play(turned(SMTP) if flip else SMTP, step)
    assert isinstance(mail, TriggerMail)
    assert (mail.connection_id, mail.capture, mail.recipient) == (1, 3, "+14255550100@sms.example")
    assert (upper.decryption, upper.flipped, upper.tls) == ("not_http", flip, None)


@pytest.mark.parametrize("step", [None, 1, 3, 7])
@pytest.mark.parametrize("flip", [False, True])
def test_a_search_comes_out_of_its_connection(step: int | None, flip: bool) -> None:
    _, (search,), upper = play(turned(LDAP) if flip else LDAP, step)
    assert isinstance(search, DirectorySearch)
    assert (search.capture, search.user, search.result_code) == (3, "Anna", 0)
    assert upper.flipped == flip


def test_several_segments_in_one_piece_keep_their_own_frames() -> None:
    stream = ConnectionStream(1, Shared(KeyLog()))
    stream.feed(CLIENT, SEARCH + SEARCH, [10, len(SEARCH), 2 * len(SEARCH)], [4, 5, 6], [40, 50, 60])
    stream.feed(SERVER, DONE, [len(DONE)], [9], [90])
    stream.close(99, (True, True))
    first, second = (event for event in stream.take_events() if isinstance(event, DirectorySearch))
    # the same message id twice: the second takes the first one's place
    assert [(each.first_frame, each.end_ns) for each in (first, second)] == [(4, None), (6, 90)]


@pytest.mark.parametrize(
    "turns",
    [
        ((SERVER, b"220 files FTP\r\n"), (CLIENT, b"USER anna\r\n")),
        (*SMTP[:3], (CLIENT, b"STARTTLS\r\n"), (SERVER, b"220 go\r\n")),
        ((CLIENT, SEARCH), (SERVER, b"\xff" * 20)),
        ((SERVER, b"SSH-2.0-OpenSSH_9.2\r\n"),),
        ((CLIENT, b"\x30\x03\x0a\x01\x00" + bytes(20)),),
    ],
    ids=["ftp", "starttls", "ldap no more", "ssh", "other asn.1"],
)  # fmt: skip
def test_what_can_lead_nowhere_is_no_longer_wanted(turns: Turns) -> None:
    stream, events, _ = play(turns)
    assert not stream.wanted
    assert not [event for event in events if isinstance(event, TriggerMail)]


def test_anomalies_carry_the_connection_and_the_capture() -> None:
    _, events, _ = play(((CLIENT, SEARCH), (SERVER, b"\xff" * 20)), number=9)
    (anomaly,) = (event for event in events if isinstance(event, Anomaly))
    assert (anomaly.code, anomaly.connection_id, anomaly.capture) == ("ldap_not", 9, 3)


def test_a_gap_reaches_the_reader() -> None:
    stream = ConnectionStream(1, Shared(KeyLog()))
    stream.feed(CLIENT, SEARCH, [len(SEARCH)], [1], [1])
    stream.gap(SERVER, 100, 2, 2)
    stream.feed(SERVER, b"rest", [4], [3], [3])
    stream.feed(SERVER, DONE, [len(DONE)], [4], [4])
    (search,) = stream.take_events()
    assert isinstance(search, DirectorySearch)
    assert search.last_frame == 4
