"""From HTTP transactions to EAS messages."""

from dissectors.eas import EasMessage, decode_transaction
from dissectors.eas.commands.generic import GenericMessage
from dissectors.eas.commands.ping import PingRequest, PingResponse
from dissectors.eas.commands.sync import SyncResponse
from dissectors.eas.wbxml_encode import element, encode
from dissectors.events import Request, Response, Transaction

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
    message = decoded(request(PATH + "?Cmd=Settings", body), response(body))
    assert isinstance(message.request, GenericMessage)
    assert isinstance(message.response, GenericMessage)
    assert (message.response.root, message.response.status) == ("Settings", 1)
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
