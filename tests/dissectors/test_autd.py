"""SMTP read for trigger mails: what is one, what is none, and that any cut of the bytes gives the same."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors.autd import MAX_LINE_BYTES, MAX_MAIL_BYTES, MAX_UNANSWERED, SmtpConnection, looks_like_smtp
from dissectors.events import CLIENT, SERVER, TriggerMail

GUID = b"6F9619FF-8B86-D011-B42D-00C04FC964FF"
TELEPHONE = b"+14255550100@sms.carrier.example"
HEAD = (
    b"From: <autd@corp.example>\r\n"
    b"Received: from be1 by be1 with Microsoft SMTPSVC(6.0.3790.1830)\r\n"  # as Windows 2003 writes it
    b"\r\n"
)
Turn = tuple[int, bytes]


def dialogue(
    recipient: bytes = TELEPHONE, content: bytes = HEAD + GUID + b"\r\n", *, answer: bytes = b"250 2.0.0 queued"
) -> list[Turn]:
    """One mail, RFC 5321 appendix D.1 with other people."""
    return [
        (SERVER, b"220 gw.carrier.example ESMTP\r\n"),
        (CLIENT, b"EHLO be1.corp.example\r\n"),
        (SERVER, b"250-gw.carrier.example\r\n250-PIPELINING\r\n250 SIZE 10240\r\n"),  # the last line has a space
        (CLIENT, b"MAIL FROM:<autd@corp.example> SIZE=238\r\n"),
        (SERVER, b"250 2.1.0 OK\r\n"),
        (CLIENT, b"RCPT TO:<" + recipient + b">\r\n"),
        (SERVER, b"250 2.1.5 OK\r\n"),
        (CLIENT, b"DATA\r\n"),
        (SERVER, b"354 go ahead\r\n"),
        (CLIENT, content + b".\r\n"),
        (SERVER, answer + b"\r\n"),
        (CLIENT, b"QUIT\r\n"),
        (SERVER, b"221 2.0.0 bye\r\n"),
    ]


def play(turns: list[Turn], cut: str = "whole", seed: int = 0) -> list[TriggerMail]:
    """Frame n is fed at n ms."""
    connection, chance = SmtpConnection(7, 2), random.Random(seed)
    found: list[TriggerMail] = []
    frame = 0
    for side, data in turns:
        position = 0
        while position < len(data) and not connection.hopeless:
            size = {"whole": len(data), "bytes": 1, "random": chance.randint(1, 40)}[cut]
            frame += 1
            found += connection.feed(side, data[position : position + size], frame, frame * 10**6)
            position += size
    assert connection.anomalies == []
    return found + connection.close()


def shape(mails: list[TriggerMail]) -> list[tuple[object, ...]]:
    """What does not depend on the cut."""
    return [(m.recipient, m.numeric, m.gateway, m.from_exchange, m.message_bytes, m.accepted) for m in mails]


def test_a_guid_to_a_telephone_is_a_trigger_with_its_times_and_size() -> None:
    (mail,) = play(dialogue())
    assert mail == TriggerMail(
        connection_id=7,
        capture=2,
        start_ns=4 * 10**6,  # MAIL FROM is the fourth segment
        first_frame=4,
        time_ns=10 * 10**6,
        frame=10,
        recipient=TELEPHONE.decode(),
        numeric=True,
        gateway=True,
        from_exchange=True,
        message_bytes=len(HEAD) + len(GUID) + 2,
        accepted=True,
    )


@pytest.mark.parametrize(("cut", "seed"), [("bytes", 0), *(("random", seed) for seed in range(8))])
def test_any_cut_of_the_bytes_gives_the_same_mails(cut: str, seed: int) -> None:
    turns = dialogue() + dialogue(b"14255550199@page.example")[3:]
    assert len(shape(play(turns))) == 2
    assert shape(play(turns, cut, seed)) == shape(play(turns))


@pytest.mark.parametrize(
    "body",
    [
        b"{" + GUID + b"}\r\n",
        GUID.replace(b"-", b"").lower() + b"\r\n",  # 32 digits
        b"AUTD\r\nid=" + GUID + b"\r\n",
    ],
)
def test_a_guid_is_recognised_in_its_usual_forms(body: bytes) -> None:
    assert len(play(dialogue(content=HEAD + body))) == 1


def test_a_body_in_base64_is_looked_into() -> None:
    content = b"Content-Transfer-Encoding: base64\r\n\r\nezZGOTYxOUZGLThCODYtRDAxMS1CNDJELTAwQzA0RkM5NjRGRn0=\r\n"
    (mail,) = play(dialogue(content=content))
    assert not mail.from_exchange


@pytest.mark.parametrize(
    ("recipient", "content"),
    [
        (b"anna@corp.example", HEAD + GUID + b"\r\n"),  # a person
        (TELEPHONE, HEAD + b"Disk is 91 % full.\r\n"),  # an alert
        (TELEPHONE, b"Message-ID: <" + GUID + b"@be1>\r\n\r\nhello\r\n"),  # only the header has one
        (TELEPHONE, HEAD + b"--" + GUID + b"\r\nContent-Type: text/plain\r\n\r\nhello\r\n"),  # only a boundary has one
        (TELEPHONE, HEAD + GUID + b" " + b"and much more text " * 20 + b"\r\n"),  # too long for an SMS
        (TELEPHONE, HEAD + GUID + b"\r\n" + b"x" * MAX_MAIL_BYTES + b"\r\n"),
        (TELEPHONE, GUID + b"\r\n"),  # no empty line: no body
        (b"12345@sms2you.example", HEAD + GUID + b"\r\n"),  # five digits are no telephone, and no gateway's name
        (b"", HEAD + GUID + b"\r\n"),
    ],
)
def test_other_mails_leave_nothing(recipient: bytes, content: bytes) -> None:
    assert play(dialogue(recipient, content)) == []


def test_a_mail_to_two_is_no_trigger() -> None:
    turns = dialogue()
    turns[7:7] = [(CLIENT, b"RCPT TO:<+14255550101@sms.carrier.example>\r\n"), (SERVER, b"250 OK\r\n")]
    assert play(turns) == []


def test_a_gateway_that_refuses_the_mail_is_told() -> None:
    (mail,) = play(dialogue(answer=b"552 too many messages"))
    assert mail.accepted is False


def test_a_mail_whose_answer_is_not_seen_is_told_when_the_connection_ends() -> None:
    (mail,) = play(dialogue()[:10])
    assert mail.accepted is None


@pytest.mark.parametrize("cut", ["whole", "bytes"])
def test_pipelined_commands_are_joined_to_their_answers_in_order(cut: str) -> None:
    greeting = dialogue()[:3]
    turns = [
        *greeting,
        (CLIENT, b"MAIL FROM:<a@b>\r\nRCPT TO:<" + TELEPHONE + b">\r\nDATA\r\n"),  # RFC 2920 3.1
        (SERVER, b"250 OK\r\n250 OK\r\n354 go\r\n"),
        (CLIENT, HEAD + GUID + b"\r\n.\r\nRSET\r\n"),
        (SERVER, b"550 no\r\n250 OK\r\n"),
    ]
    assert [mail.accepted for mail in play(turns, cut)] == [False]


@pytest.mark.parametrize("cut", ["whole", "bytes"])
def test_a_refused_data_command_leaves_commands_and_no_mail(cut: str) -> None:
    turns = dialogue()
    turns[8:11] = [(SERVER, b"554 no valid recipients\r\n")]
    assert shape(play(turns[:-2] + dialogue()[3:], cut)) == shape(play(dialogue()))


@pytest.mark.parametrize("cut", ["whole", "bytes", "random"])
def test_chunks_are_counted_and_not_searched_for_an_end(cut: str) -> None:
    content = HEAD + GUID + b"\r\n"
    turns = [
        *dialogue()[:7],
        (CLIENT, b"BDAT %d\r\n" % len(HEAD) + HEAD),  # RFC 3030 4
        (SERVER, b"250 chunk\r\n"),
        (CLIENT, b"BDAT %d LAST\r\n" % (len(content) - len(HEAD)) + content[len(HEAD) :]),
        (SERVER, b"250 queued\r\n"),
    ]
    (mail,) = play(turns, cut)
    assert (mail.message_bytes, mail.accepted) == (len(content), True)


@pytest.mark.parametrize("command", [b"STARTTLS", b"X-ANONYMOUSTLS"])
def test_tls_ends_it_when_the_server_agrees(command: bytes) -> None:
    connection = SmtpConnection(1)
    for side, data in [*dialogue()[:3], (CLIENT, command + b"\r\n"), (SERVER, b"220 ready\r\n")]:
        assert not connection.hopeless
        connection.feed(side, data, 1, 1)
    assert connection.hopeless


def test_a_server_that_has_no_tls_is_read_on() -> None:
    turns = dialogue()
    turns[3:3] = [(CLIENT, b"STARTTLS\r\n"), (SERVER, b"502 not implemented\r\n")]
    assert len(play(turns)) == 1


def test_ftp_is_given_up_with_its_first_command() -> None:
    connection = SmtpConnection(1)
    connection.feed(SERVER, b"220 files.example FTP server\r\n", 1, 1)
    assert not connection.hopeless
    connection.feed(CLIENT, b"USER anna\r\n", 2, 2)
    assert connection.hopeless


@pytest.mark.parametrize(
    ("side", "first", "expected"),
    [
        (SERVER, b"220 mx", True),
        (SERVER, b"220-mx", True),
        (SERVER, b"22", None),
        (SERVER, b"220", None),
        (SERVER, b"2200", False),
        (SERVER, b"250 OK", False),
        (CLIENT, b"ehlo mx\r\n", True),
        (CLIENT, b"HEL", None),
        (CLIENT, b"HELP\r\n", False),
        (CLIENT, b"220 mx", False),
    ],
)
def test_first_bytes(side: int, first: bytes, expected: bool | None) -> None:
    assert looks_like_smtp(side, first) is expected


def test_after_a_gap_the_next_mail_is_read_and_the_cut_one_is_not() -> None:
    connection = SmtpConnection(1)
    found: list[TriggerMail] = []
    for side, data in dialogue()[:9]:
        found += connection.feed(side, data, 1, 1)
    found += connection.feed(CLIENT, HEAD[:20], 2, 2)
    found += connection.gap(CLIENT, 100, 3, 3)
    for side, data in [(CLIENT, b"rest\r\n.\r\n"), (SERVER, b"250 queued\r\n"), *dialogue()[3:]]:
        found += connection.feed(side, data, 4, 4)
    assert shape(found) == shape(play(dialogue()))


def test_a_gap_in_the_answers_leaves_the_fate_of_the_mail_unknown() -> None:
    connection = SmtpConnection(1)
    for side, data in dialogue()[:10]:
        connection.feed(side, data, 1, 1)
    (mail,) = connection.gap(SERVER, 20, 2, 2)
    assert mail.accepted is None


def test_what_is_kept_is_bounded() -> None:
    connection = SmtpConnection(1)
    for side, data in dialogue()[:3]:
        connection.feed(side, data, 1, 1)
    connection.feed(CLIENT, b"NOOP\r\n" * (MAX_UNANSWERED * 3), 2, 2)
    connection.feed(CLIENT, b"x" * (MAX_LINE_BYTES * 50), 3, 3)
    for side, data in dialogue()[3:9]:
        connection.feed(side, b"\r\n" + data, 4, 4)
    for _ in range(100):
        connection.feed(CLIENT, HEAD + b"y" * 1000, 5, 5)
    kept = [connection._mail.kept if connection._mail else b"", *connection._lines, connection._awaited]
    assert max(map(len, kept)) <= max(MAX_MAIL_BYTES + 2000, MAX_UNANSWERED)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([CLIENT, SERVER]), st.binary(max_size=80)), max_size=20), st.integers(0, 12))
def test_any_bytes_at_any_place_give_mails_or_nothing(odd: list[Turn], place: int) -> None:
    for mail in play(dialogue()[:place] + odd + dialogue()[place:], "random"):
        assert isinstance(mail, TriggerMail)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_mutated_dialogues_cut_in_any_way_agree(data: st.DataObject) -> None:
    turns = dialogue()
    place = data.draw(st.integers(0, len(turns) - 1))
    side, said = turns[place]
    at = data.draw(st.integers(0, len(said) - 1))
    turns[place] = (side, said[:at] + data.draw(st.binary(max_size=3)) + said[at + 1 :])
    assert shape(play(turns, "bytes")) == shape(play(turns))
