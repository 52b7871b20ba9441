"""From HTTP transactions to EAS messages."""

import base64
import gzip
import zlib

import pytest

from dissectors.eas import EasMessage, decode_transaction
from dissectors.eas.commands.autodiscover import AutodiscoverRequest
from dissectors.eas.commands.compose import ComposeRequest, ComposeResponse, SourceItem
from dissectors.eas.commands.generic import GenericMessage
from dissectors.eas.commands.getattachment import GetAttachmentRequest, GetAttachmentResponse
from dissectors.eas.commands.options import OptionsResponse
from dissectors.eas.commands.ping import PingRequest, PingResponse
from dissectors.eas.commands.sync import SyncResponse
from dissectors.eas.query import COMMAND_CODES
from dissectors.eas.wbxml_encode import element, encode
from dissectors.events import CLIENT, SERVER, Request, Response, Transaction
from dissectors.http import HttpConnection

PATH = "/Microsoft-Server-ActiveSync"
TARGET = PATH + "?Cmd=Ping&User=anna&DeviceId=ABC&DeviceType=iPhone"
WBXML = {"content-type": "application/vnd.ms-sync.wbxml", "ms-asprotocolversion": "14.1"}
PING = encode(element("Ping:Ping", element("Ping:HeartbeatInterval", 480)))
CHANGES = encode(element("Ping:Ping", element("Ping:Status", 2), element("Ping:Folders", element("Ping:Folder", "5"))))


def request(
    target: str = TARGET,
    body: bytes | None = PING,
    *,
    method: str = "POST",
    user: str | None = None,
    complete: bool = True,
) -> Request:
    return Request(
        0, 0, 1, 1, method, target, "1.1", WBXML, user, 500, 450, len(body or b""), len(body or b""), body, complete
    )


def response(
    body: bytes | None = CHANGES, *, status: int = 200, content_type: str | None = None, complete: bool = True
) -> Response:
    headers = {"content-type": content_type} if content_type else WBXML
    size = len(body or b"")
    return Response(0, 0, 2, 2, status, "OK", "1.1", headers, 300, 250, size, size, body, complete)


def decoded(asked: Request | None, answered: Response | None) -> EasMessage:
    message = decode_transaction(Transaction(1, 1, asked, answered))
    assert message is not None
    return message


def codes(message: EasMessage) -> list[str]:
    return [oddity.code for oddity in message.oddities]


def test_a_ping_is_read_on_both_sides() -> None:
    message = decoded(request(), response())
    assert message.command == "Ping"
    assert message.request == PingRequest(480, None, False, True, ())
    assert message.response == PingResponse(2, ("5",), None, None, True, ())
    assert (message.user, message.device_id, message.device_type) == ("anna", "ABC", "iPhone")
    assert message.protocol_version == "14.1"
    assert message.oddities == ()


def test_a_missing_answer_is_none() -> None:
    assert decoded(request(), None).response is None


def test_bodies_that_were_not_kept_are_none() -> None:
    message = decoded(request(body=None), response(None))
    assert message.request is None
    assert message.response is None


def test_an_empty_body_counts_only_when_nothing_of_it_is_missing() -> None:
    assert decoded(request(body=b""), None).request == PingRequest(None, None, True, True, ())
    assert decoded(request(body=b"", complete=False), None).request is None
    target = PATH + "?Cmd=Sync"
    answered = decoded(request(target, None), response(b"")).response
    assert isinstance(answered, SyncResponse)
    assert answered.empty
    assert decoded(request(target, None), response(b"", complete=False)).response is None


def test_the_body_of_a_refusal_is_not_read() -> None:
    message = decoded(request(), response(b"<html>", status=449))
    assert message.response is None
    assert message.oddities == ()


def test_the_user_may_come_from_basic_authentication() -> None:
    assert decoded(request(PATH + "?Cmd=Ping", user="CORP\\anna"), None).user == "CORP\\anna"
    assert decoded(request(user="CORP\\anna"), None).user == "anna"


def test_options_and_other_methods_are_their_own_command() -> None:
    assert decoded(request(PATH, b"", method="OPTIONS"), response(b"")).command == "OPTIONS"
    assert decoded(request(PATH, b"", method="GET"), None).command == "GET"


def test_commands_without_a_reader_are_generic() -> None:
    body = encode(element("Settings:Settings", element("Settings:Status", 1)))
    message = decoded(request(PATH + "?Cmd=Unheard", body), response(body))
    assert message.command == "Unheard"
    assert isinstance(message.request, GenericMessage)
    assert isinstance(message.response, GenericMessage)
    assert (message.response.root, message.response.status) == ("Settings", 1)
    assert codes(message) == ["eas_query_unknown_command"]


def test_an_empty_body_where_there_must_be_one_is_noted() -> None:
    message = decoded(request(PATH + "?Cmd=Settings", b""), None)
    assert isinstance(message.request, GenericMessage)
    assert [oddity.detail for oddity in message.oddities] == [
        "the body of Settings is not what it should be: it is empty"
    ]


def test_a_mail_up_to_12_1_is_mime_with_its_parameters_in_the_query() -> None:
    target = PATH + "?Cmd=SmartReply&ItemId=5%3A7&CollectionId=5&SaveInSent=T"
    message = decoded(request(target, b"MIME-Version: 1.0\r\n\r\nHi"), response(b""))
    assert isinstance(message.request, ComposeRequest)
    assert (message.request.form, message.request.mime_bytes, message.request.save_in_sent) == ("mime", 23, True)
    assert message.request.source == SourceItem("5", "5:7", None, False)
    assert isinstance(message.response, ComposeResponse)
    assert message.response.empty
    assert message.oddities == ()


def test_an_attachment_is_any_bytes() -> None:
    target = PATH + "?Cmd=GetAttachment&AttachmentName=5%3A7%3A0"
    message = decoded(request(target, b""), response(b"\x03\x01 no WBXML", content_type="Image/PNG; name=x"))
    assert message.request == GetAttachmentRequest(named=True, complete=True, oddities=())
    assert message.response == GetAttachmentResponse(size_bytes=11, media_type="image/png", complete=True, oddities=())


def test_what_an_options_answer_offers_is_read_from_its_headers() -> None:
    answer = response(b"")._replace(
        headers={"ms-asprotocolversions": "2.5,12.0 , 16.1", "ms-asprotocolcommands": "Sync"}
    )
    message = decoded(request(PATH, b"", method="OPTIONS"), answer)
    assert isinstance(message.response, OptionsResponse)
    assert (message.response.versions, message.response.commands) == (("2.5", "12.0", "16.1"), ("Sync",))
    assert decoded(request(PATH, b"", method="OPTIONS"), answer._replace(status=401)).response is None


AUTODISCOVER = (
    b'<?xml version="1.0" encoding="utf-8"?><Autodiscover '
    b'xmlns="http://schemas.microsoft.com/exchange/autodiscover/%s/requestschema/2006"><Request>'
    b"<EMailAddress>chris@woodgrovebank.com</EMailAddress><AcceptableResponseSchema>"
    b"http://schemas.microsoft.com/exchange/autodiscover/%s/responseschema/2006"
    b"</AcceptableResponseSchema></Request></Autodiscover>"
)


def test_autodiscover_of_devices_is_a_command_and_that_of_desktops_is_not_ours() -> None:
    target = "/Autodiscover/Autodiscover.xml"
    message = decoded(request(target, AUTODISCOVER % (b"mobilesync", b"mobilesync"), user="chris"), None)
    assert (message.command, message.user, message.device_id) == ("Autodiscover", "chris", None)
    assert isinstance(message.request, AutodiscoverRequest)
    desktop = request(target, AUTODISCOVER % (b"outlook", b"outlook"))
    assert decode_transaction(Transaction(1, 1, desktop, None)) is None
    assert decode_transaction(Transaction(1, 1, desktop._replace(body=None), None)) is None


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_bodies_that_are_compressed_both_ways_are_read(coding: str) -> None:
    packed = {"gzip": gzip.compress, "deflate": zlib.compress}[coding]
    asked, answered = packed(PING), packed(CHANGES)
    connection = HttpConnection(1)
    found = []
    for side, line, body in ((CLIENT, f"POST {TARGET} HTTP/1.1", asked), (SERVER, "HTTP/1.1 200 OK", answered)):
        head = f"{line}\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
        found += connection.feed(side, head.encode() + body, 1, 1, 1, 1, len(head) + len(body))
    (transaction,) = found
    message = decode_transaction(transaction)
    assert message is not None
    assert message.request == PingRequest(480, None, False, True, ())
    assert message.response == PingResponse(2, ("5",), None, None, True, ())


@pytest.mark.parametrize("code", COMMAND_CODES)
def test_every_command_of_the_base64_query_has_its_own_messages(code: int) -> None:
    raw = bytes((141, code, 9, 4, 3)) + b"dev" + bytes((0, 2)) + b"SP"  # version, code, locale, id, no key, type
    command = COMMAND_CODES[code]
    page = {
        "Sync": "AirSync", "MoveItems": "Move", "SendMail": "ComposeMail", "SmartReply": "ComposeMail",
        "SmartForward": "ComposeMail", "GetHierarchy": "FolderHierarchy",
        **dict.fromkeys(("FolderSync", "FolderCreate", "FolderDelete", "FolderUpdate"), "FolderHierarchy"),
        **dict.fromkeys(("CreateCollection", "DeleteCollection", "MoveCollection"), "FolderHierarchy"),
    }.get(command, command)  # fmt: skip
    root = {"GetHierarchy": "Folders"}.get(command, "Response" if command.endswith("Collection") else command)
    body = b"\x89PNG" if command == "GetAttachment" else encode(element(f"{page}:{root}"))
    asked = b"" if command in ("GetHierarchy", "GetAttachment") else body
    target = f"{PATH}?{base64.b64encode(raw).decode()}"
    message = decoded(request(target, asked), response(body))
    assert (message.command, message.query.command_code, message.protocol_version) == (command, code, "14.1")
    assert not isinstance(message.request, GenericMessage)
    assert not isinstance(message.response, GenericMessage)
    assert message.request is not None
    assert message.response is not None
    assert message.oddities == ()


def test_a_body_that_is_not_its_commands_is_noted() -> None:
    other = encode(element("AirSync:Sync", element("AirSync:Status", 1)))
    message = decoded(request(), response(other))
    assert isinstance(message.response, GenericMessage)
    assert message.response.root == "Sync"
    assert codes(message) == ["eas_unexpected_body"]
    portal = decoded(request(), response(b"<html>Please log in</html>", content_type="text/html"))
    assert isinstance(portal.response, GenericMessage)
    assert codes(portal) == ["eas_unexpected_body"]


def test_an_answer_without_its_request_tells_its_command() -> None:
    message = decoded(None, response())
    assert message.command == "Ping"
    assert isinstance(message.response, PingResponse)
    assert (message.request, message.user, message.device_id) == (None, None, None)


def test_a_query_without_command_is_told_by_the_body() -> None:
    message = decoded(request(PATH), response())
    assert message.command == "Ping"
    assert isinstance(message.request, PingRequest)
    assert decoded(request(PATH, b""), None).command == "Unknown"


def test_the_base64_query_brings_its_version() -> None:
    asked = request(PATH + "?jAAJBAp2MTQwRGV2aWNlAApTbWFydFBob25l", b"")._replace(headers={})
    message = decoded(asked, None)
    assert (message.command, message.protocol_version, message.device_id) == ("Sync", "14.0", "v140Device")


def test_odd_queries_and_bodies_are_noted_together() -> None:
    message = decoded(request(PATH + "?Cmd=Ping&oops", PING[:-3]), response(CHANGES + b"!"))
    assert codes(message) == ["eas_query_unreadable", "wbxml_truncated", "wbxml_trailing_bytes"]


def test_other_traffic_is_not_eas() -> None:
    assert decode_transaction(Transaction(1, 1, request("/owa/"), response())) is None
    assert decode_transaction(Transaction(1, 1, None, response(b"<html>", content_type="text/html"))) is None
