"""SendMail, SmartReply and SmartForward in both forms."""

import pytest

from dissectors.eas.commands import sendmail, smartforward, smartreply
from dissectors.eas.commands.compose import ComposeResponse, SourceItem
from dissectors.eas.query import NO_QUERY, parse_query
from dissectors.eas.wbxml_encode import element, encode

SEND = (
    b"\x03\x01\x6a\x00\x00\x15"  # page ComposeMail
    b"\x45"  # <SendMail>
    b"\x51\x03633724606026842453\x00\x01"  # ClientId
    b"\x08"  # SaveInSentItems
    b"\x50\xc3\x1aFrom: anna@example.com\r\n\r\n\x01"  # Mime: 26 opaque bytes
    b"\x01"
)
REPLY = (
    b"\x03\x01\x6a\x00\x00\x15"
    b"\x47"  # <SmartReply>
    b"\x51\x03d7b99822-685a-4a40-8dfb-87a114926986\x00\x01"  # ClientId
    b"\x4b\x4c\x035\x00\x01\x4d\x035:10\x00\x01\x4e\x03Rg\x00\x01\x4f\x0320260101T000000Z\x00\x01\x01"  # Source { ... }
    b"\x09"  # ReplaceMime
    b"\x50\x03Hello\x00\x01"  # Mime, as a string
    b"\x01"
)
SHAPES = [(sendmail, "SendMail"), (smartforward, "SmartForward"), (smartreply, "SmartReply")]


def test_from_14_0_on_a_mail_is_inside_of_wbxml() -> None:
    found = sendmail.read_request(SEND)
    assert found is not None
    assert (found.form, found.mime_bytes, found.client_id) == ("wbxml", 26, "633724606026842453")
    assert (found.save_in_sent, found.replace_mime, found.source) == (True, False, None)
    assert found.complete
    assert "anna" not in repr(found)


def test_a_reply_names_the_mail_it_belongs_to() -> None:
    found = smartreply.read_request(REPLY)
    assert found is not None
    assert found.source == SourceItem("5", "5:10", "Rg", True)
    assert (found.mime_bytes, found.replace_mime, found.save_in_sent) == (5, True, False)


def test_up_to_12_1_the_mail_is_the_body_and_the_query_says_the_rest() -> None:
    query = parse_query("/Microsoft-Server-ActiveSync?Cmd=SmartForward&LongId=Rg%3D&Occurrence=2007&SaveInSent=F")
    assert query is not None
    found = smartforward.read_request(b"MIME-Version: 1.0\r\n\r\n", query)
    assert found is not None
    assert (found.form, found.mime_bytes, found.save_in_sent) == ("mime", 21, False)
    assert found.source == SourceItem(None, None, "Rg=", True)


def test_the_first_of_a_repeated_parameter_counts() -> None:
    query = NO_QUERY._replace(parameters=(("SaveInSent", "T"), ("SaveInSent", "F")))
    found = sendmail.read_request(b"x", query)
    assert found is not None
    assert (found.save_in_sent, found.source) == (True, None)


def test_a_meeting_is_forwarded_without_a_mail() -> None:
    people = element(
        "ComposeMail:Forwardees", *[element("ComposeMail:Forwardee", element("ComposeMail:Email", "b@c"))] * 2
    )
    found = smartforward.read_request(encode(element("ComposeMail:SmartForward", people)))
    assert found is not None
    assert (found.forwardees, found.mime_bytes) == (2, None)
    assert "b@c" not in repr(found)


def test_another_account_and_rights_management_are_told() -> None:
    parts = element("ComposeMail:AccountId", "7"), element("RightsManagement:TemplateID", "t")
    found = sendmail.read_request(encode(element("ComposeMail:SendMail", *parts)))
    assert found is not None
    assert (found.other_account, found.protected) == (True, True)


@pytest.mark.parametrize(("command", "root"), SHAPES)
def test_an_empty_answer_is_success_and_a_refusal_has_a_status(command, root) -> None:
    assert command.read_response(b"") == ComposeResponse(empty=True, status=None, complete=True, oddities=())
    refused = command.read_response(encode(element(f"ComposeMail:{root}", element("ComposeMail:Status", 118))))
    assert (refused.empty, refused.status) == (False, 118)


@pytest.mark.parametrize(("command", "root"), SHAPES)
def test_another_root_or_a_page_is_not_its_answer(command, root) -> None:
    other = encode(element("ComposeMail:Source"))
    assert command.read_request(other) is None
    assert command.read_response(other) is None
    assert command.read_response(b"<html>") is None
