"""LDAP: messages by hand with a comment per field, the same built by scapy, and everything that can go wrong."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dissectors.cursor import Cursor
from dissectors.errors import Truncated
from dissectors.events import CLIENT, SERVER, DirectorySearch
from dissectors.ldap import LdapConnection, looks_like_ldap
from dissectors.ldap.ber import BadBer, Element, element, header, integer
from dissectors.ldap.connection import MAX_KEPT_BYTES, MAX_OPEN_SEARCHES
from dissectors.ldap.messages import MAX_FILTER_ELEMENTS, Search, message, search

Turn = tuple[int, bytes]


def tlv(tag: int, *content: bytes) -> bytes:
    """An element with the shortest length (X.690 8.1.3)."""
    inside = b"".join(content)
    size = len(inside)
    if size < 0x80:
        return bytes((tag, size)) + inside
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + inside


def long(tag: int, *content: bytes) -> bytes:
    """The same with a length of four bytes, as Active Directory writes it."""
    inside = b"".join(content)
    return bytes((tag, 0x84)) + len(inside).to_bytes(4, "big") + inside


def text(value: str | bytes) -> bytes:
    return tlv(0x04, value.encode() if isinstance(value, str) else value)


def number(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(1 + value.bit_length() // 8, "big"))


def said(message_id: int, operation: bytes) -> bytes:
    """LDAPMessage ::= SEQUENCE { messageID, protocolOp } (RFC 4511 4.1.1)."""
    return tlv(0x30, number(message_id), operation)


def equal(attribute: str, value: str | bytes) -> bytes:
    return tlv(0xA3, text(attribute), text(value))  # equalityMatch [3]


def asks(filter_: bytes, base: str = "DC=corp", scope: int = 2, tag: Any = tlv) -> bytes:
    """SearchRequest ::= [APPLICATION 3] (RFC 4511 4.5.1)."""
    return bytes(
        tag(
            0x63,
            text(base),  # baseObject
            tlv(0x0A, bytes((scope,))),  # scope
            tlv(0x0A, b"\0"),  # derefAliases: never
            number(0),  # sizeLimit
            number(0),  # timeLimit
            tlv(0x01, b"\0"),  # typesOnly: FALSE
            filter_,
            tlv(0x30, text("mail"), text("cn")),  # attributes that are asked for
        )
    )


def result(tag: int, code: int) -> bytes:
    """LDAPResult: resultCode, matchedDN, diagnosticMessage (RFC 4511 4.1.9)."""
    return tlv(tag, tlv(0x0A, bytes((code,))), text(""), text(""))


def entry(size: int = 0) -> bytes:
    return tlv(0x64, text("CN=Anna"), tlv(0x30, tlv(0x30, text("photo"), tlv(0x31, text(b"j" * size)))))


def bind(credentials: bytes) -> bytes:
    return tlv(0x60, number(3), text("CN=service"), credentials)  # version, name, authentication


ANNA = asks(tlv(0xA0, equal("objectCategory", "person"), equal("sAMAccountName", "anna")))  # (&(..)(..))
DONE = result(0x65, 0)


def play(turns: list[Turn], cut: str = "whole", seed: int = 0) -> tuple[list[DirectorySearch], LdapConnection]:
    """Frame n is fed at n ms."""
    connection, chance = LdapConnection(7, 2), random.Random(seed)
    found: list[DirectorySearch] = []
    frame = 0
    for side, data in turns:
        position = 0
        while position < len(data) and not connection.hopeless:
            size = {"whole": len(data), "bytes": 1, "random": chance.randint(1, 40)}[cut]
            frame += 1
            found += connection.feed(side, data[position : position + size], frame, frame * 10**6)
            position += size
    return found + connection.close(), connection


def facts(found: list[DirectorySearch]) -> list[tuple[object, ...]]:
    """What does not depend on the cut."""
    return [
        (
            *(s.operation, s.rounds, s.mechanism, s.scope, s.searched_by, s.user, s.result_code, s.entries),
            *(s.bytes_client, s.bytes_server),
        )
        for s in found
    ]


def test_a_search_is_told_with_its_times_its_user_and_the_number_of_its_entries() -> None:
    asked, answered = said(5, ANNA), said(5, entry()) + said(5, entry()) + said(5, DONE)
    found, connection = play([(CLIENT, asked), (SERVER, answered)])
    assert found == [
        DirectorySearch(
            connection_id=7,
            capture=2,
            operation="search",
            start_ns=10**6,
            first_frame=1,
            end_ns=2 * 10**6,
            last_frame=2,
            rounds=1,
            mechanism=None,
            scope="subtree",
            searched_by="sAMAccountName",
            user="anna",
            result_code=0,
            entries=2,
            bytes_client=len(asked),
            bytes_server=len(answered),
        )
    ]
    assert connection.anomalies == []


def everything() -> list[Turn]:
    """Two searches that overlap, an anonymous bind, a photograph larger than what is kept."""
    slow = said(2, asks(equal("mail", "anna@corp.example"), scope=1))
    return [
        (CLIENT, said(1, bind(tlv(0x80)).replace(text("CN=service"), text("")))),
        (SERVER, said(1, result(0x61, 0))),
        (CLIENT, slow + said(3, asks(tlv(0x87, b"objectClass"), "CN=Anna,OU=x", 0))),  # present [7]
        (SERVER, said(3, entry(MAX_KEPT_BYTES * 3)) + said(3, DONE) + said(2, result(0x65, 32))),
        (CLIENT, said(4, tlv(0x42))),  # unbind
    ]


@pytest.mark.parametrize(("cut", "seed"), [("bytes", 0), *(("random", seed) for seed in range(6))])
def test_any_cut_of_the_bytes_gives_the_same(cut: str, seed: int) -> None:
    whole, connection = play(everything())
    assert [(f[0], *f[2:8]) for f in facts(whole)] == [
        ("bind", "anonymous", None, None, None, 0, 0),
        ("search", None, "base", "cn", "Anna", 0, 1),
        ("search", None, "one", "mail", "anna@corp.example", 32, 0),
    ]
    assert connection.anomalies == []
    assert facts(play(everything(), cut, seed)[0]) == facts(whole)


@pytest.mark.parametrize(
    ("credentials", "mechanism"),
    [
        (tlv(0x80, b"invented"), "simple"),
        (tlv(0xA3, text("GSSAPI"), text("invented")), "GSSAPI"),  # sasl [3]
        (tlv(0x8A, b"invented"), "sicily"),  # MS-ADTS 5.1.1.1.3
        (tlv(0x9F, b""), None),  # a tag of several bytes
    ],
)
def test_a_bind_tells_its_mechanism_and_no_name_or_credential(credentials: bytes, mechanism: str | None) -> None:
    (found,), _ = play([(CLIENT, said(1, bind(credentials))), (SERVER, said(1, result(0x61, 49)))])
    assert (found.operation, found.mechanism, found.result_code) == ("bind", mechanism or "unknown", 49)
    assert "service" not in repr(found)
    assert "invented" not in repr(found)


def test_a_bind_of_several_rounds_is_one() -> None:
    asked = bind(tlv(0xA3, text("GSS-SPNEGO"), text("invented")))
    turns = [
        (CLIENT, said(1, asked)),
        (SERVER, said(1, result(0x61, 14))),  # saslBindInProgress
        (CLIENT, said(2, asked)),
        (SERVER, said(2, result(0x61, 0))),
    ]
    (found,), _ = play(turns)
    assert (found.rounds, found.first_frame, found.last_frame, found.result_code) == (2, 1, 4, 0)


@pytest.mark.parametrize("cut", ["whole", "bytes"])
def test_what_a_sasl_layer_hides_is_said_and_not_taken_for_rubbish(cut: str) -> None:
    turns = [
        (CLIENT, said(1, bind(tlv(0xA3, text("GSSAPI"), text("x"))))),
        (SERVER, said(1, result(0x61, 0))),
        (CLIENT, (60).to_bytes(4, "big") + b"\x60\x3a" + bytes(58)),  # RFC 4513 5.2: length, then the sealed buffer
    ]
    found, connection = play(turns, cut)
    assert [s.operation for s in found] == ["bind", "sealed"]
    assert connection.hopeless
    assert connection.anomalies == []


@pytest.mark.parametrize(("code", "operations"), [(0, ["sealed"]), (2, ["search"])])
def test_start_tls_ends_it_where_the_server_agrees(code: int, operations: list[str]) -> None:
    turns = [
        (CLIENT, said(1, tlv(0x77, tlv(0x80, b"1.3.6.1.4.1.1466.20037")))),
        (SERVER, said(1, result(0x78, code))),
        (CLIENT, said(2, ANNA)),
    ]
    found, connection = play(turns)
    assert [s.operation for s in found] == operations
    assert connection.hopeless == (code == 0)


def test_a_search_without_result_is_told_when_the_connection_ends() -> None:
    (found,), _ = play([(CLIENT, said(5, ANNA)), (SERVER, said(5, entry()))])
    assert (found.end_ns, found.result_code, found.entries) == (None, None, 1)


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        (equal("proxyAddresses", "SMTP:anna@corp.example"), ("proxyAddresses", "SMTP:anna@corp.example")),
        (tlv(0xA2, equal("cn", "Anna")), ("cn", "Anna")),  # not [2]
        (tlv(0xA4, text("sn"), tlv(0x30, tlv(0x80, b"An"))), (None, None)),  # substrings of another attribute
        (tlv(0xA4, text("anr"), tlv(0x30, tlv(0x80, b"An"))), ("anr", "An")),
        (equal("objectGUID", bytes.fromhex("ff00fe")), (None, None)),  # no text
        (equal("samaccountname", "ANNA"), ("sAMAccountName", "ANNA")),
        (equal("cn", "two\nlines"), (None, None)),
        (tlv(0xA9, tlv(0x82, b"cn"), tlv(0x83, b"Anna")), (None, None)),  # extensibleMatch [9]
    ],
)
def test_filters_name_a_user_or_nobody(filter_: bytes, expected: tuple[str | None, str | None]) -> None:
    found = search(message(said(1, asks(filter_))).content)
    assert (found.searched_by, found.user) == expected


def test_deep_filters_are_walked_without_recursion_and_not_to_their_end() -> None:
    filter_ = equal("cn", "Anna")
    for _ in range(MAX_FILTER_ELEMENTS - 1):
        filter_ = long(0xA0, filter_)
    assert search(message(said(1, asks(filter_))).content).user == "Anna"
    for _ in range(1000):
        filter_ = long(0xA0, filter_)
    assert search(message(said(1, asks(filter_))).content).user is None


def test_lengths_as_active_directory_writes_them_are_read() -> None:
    asked = long(0x30, number(1), asks(equal("sAMAccountName", "anna"), tag=long))
    assert asked[:2] == b"\x30\x84"
    (found,), _ = play([(CLIENT, asked), (SERVER, long(0x30, number(1), DONE))])
    assert (found.user, found.result_code) == ("anna", 0)


def test_a_filter_that_is_cut_by_the_limit_names_nobody() -> None:
    asked = said(1, asks(equal("cn", "Anna"), "x" * MAX_KEPT_BYTES))
    (found,), connection = play([(CLIENT, asked)])
    assert (found.scope, found.user, found.bytes_client) == (None, None, len(asked))
    assert connection.anomalies == []


def test_ber_elements_are_bounds_checked() -> None:
    assert header(Cursor(b"\x30\x81\x80")) == (0x30, 0x80)
    with pytest.raises(Truncated):
        header(Cursor(b"\x30\x82\x01"))
    for bad in (b"\x30\x80", b"\x30\x85\0\0\0\0\1", b"\x1f\x01\x00"):  # indefinite; five bytes; a long tag
        with pytest.raises(BadBer):
            header(Cursor(bad))
    assert integer(element(Cursor(b"\x02\x02\xff\xfe"))) == -2
    for length in (0, 9):
        with pytest.raises(BadBer):
            integer(Element(0x02, length, Cursor(bytes(9))))


@pytest.mark.parametrize(
    ("side", "first", "expected"),
    [
        (CLIENT, said(1, ANNA), True),
        (SERVER, said(1, ANNA), False),
        (SERVER, said(1, DONE), True),
        (CLIENT, said(1, ANNA)[:5], None),
        (CLIENT, said(1, tlv(0x42)), True),
        (CLIENT, b"\x30\x03\x0a\x01\x00", False),  # a sequence, but no message id
        (CLIENT, b"GET / HTTP/1.1", False),
        (CLIENT, b"\x00\x00\x00\x10", False),
    ],
)
def test_first_bytes(side: int, first: bytes, expected: bool | None) -> None:
    assert looks_like_ldap(side, first) is expected


def test_what_stops_to_be_ldap_is_an_anomaly() -> None:
    found, connection = play([(CLIENT, said(5, ANNA)), (SERVER, b"HTTP/1.1 200 OK\r\n")])
    assert [anomaly.code for anomaly in connection.anomalies] == ["ldap_not"]
    assert connection.hopeless
    assert [s.end_ns for s in found] == [None]


def test_a_message_that_cannot_be_read_is_an_anomaly_and_the_next_is_read() -> None:
    turns = [(CLIENT, tlv(0x30, text("no number")) + said(2, ANNA)), (SERVER, said(2, DONE))]
    found, connection = play(turns)
    assert [anomaly.code for anomaly in connection.anomalies] == ["ldap_bad_message"]
    assert [s.user for s in found] == ["anna"]


def test_a_gap_in_a_photograph_is_counted_and_elsewhere_costs_only_what_it_hides() -> None:
    large = said(1, entry(20_000))
    connection = LdapConnection(1)
    connection.feed(CLIENT, said(1, ANNA), 1, 1)
    connection.feed(SERVER, large[:5000], 2, 2)
    connection.gap(SERVER, 10_000, 3, 3)
    (found,) = connection.feed(SERVER, large[15_000:] + said(1, DONE), 4, 4)
    assert (found.entries, found.bytes_server) == (1, len(large) + len(said(1, DONE)))
    connection.feed(CLIENT, said(2, ANNA), 5, 5)
    connection.gap(SERVER, 10, 6, 6)
    assert connection.feed(SERVER, b"the rest of some message", 7, 7) == []
    (found,) = connection.feed(SERVER, said(2, DONE), 8, 8)
    assert found.end_ns == 8


def test_what_is_kept_is_bounded() -> None:
    connection = LdapConnection(1)
    told = 0
    for number_ in range(MAX_OPEN_SEARCHES * 2):
        told += len(connection.feed(CLIENT, said(number_, ANNA), number_, number_))
    assert (len(connection._open), told) == (MAX_OPEN_SEARCHES, MAX_OPEN_SEARCHES)
    for _ in range(50):
        connection.feed(SERVER, b"\x30\x84\x0f\xff\xff\xff\x02\x01\x01\x64" + bytes(5000), 1, 1)
    assert len(connection._sides[SERVER].kept) <= MAX_KEPT_BYTES


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([CLIENT, SERVER]), st.binary(max_size=60)), max_size=20), st.integers(0, 5))
def test_any_bytes_at_any_place_give_events_or_anomalies(odd: list[Turn], place: int) -> None:
    found, _ = play(everything()[:place] + odd + everything()[place:], "random")
    assert all(isinstance(event, DirectorySearch) for event in found)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutated_dialogues_cut_in_any_way_agree(data: st.DataObject) -> None:
    turns = [(CLIENT, said(2, ANNA)), (SERVER, said(2, entry()) + said(2, DONE)), (CLIENT, said(3, ANNA))]
    place = data.draw(st.integers(0, 2))
    side, bytes_ = turns[place]
    at = data.draw(st.integers(0, len(bytes_) - 1))
    turns[place] = (side, bytes_[:at] + data.draw(st.binary(max_size=3)) + bytes_[at + 1 :])
    assert facts(play(turns, "bytes")[0]) == facts(play(turns)[0])


# scapy builds ---------------------------------------------------------------------------------------------------------


def scapy_message(message_id: int, operation: Any) -> bytes:
    from scapy.layers.ldap import LDAP

    return bytes(LDAP(messageID=message_id, protocolOp=operation))


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ("(&(objectClass=user)(sAMAccountName=anna))", Search("subtree", "sAMAccountName", "anna")),
        ("(|(cn=Anna)(mail=x@y))", Search("subtree", "cn", "Anna")),
        ("(!(proxyAddresses=a@b))", Search("subtree", "proxyAddresses", "a@b")),
        ("(objectClass=*)", Search("subtree", None, None)),
    ],
)
def test_a_search_that_scapy_builds_is_read(filter_: str, expected: Search) -> None:
    from scapy.layers import ldap

    operation = ldap.LDAP_SearchRequest(
        baseObject=b"DC=corp", scope=2, filter=ldap.LDAP_Filter.from_rfc2254_string(filter_), attributes=[]
    )
    assert search(message(scapy_message(3, operation)).content) == expected


def test_a_dialogue_that_scapy_builds_is_read() -> None:
    from scapy.layers import ldap

    credentials = ldap.LDAP_Authentication_SaslCredentials(mechanism=b"GSS-SPNEGO", credentials=b"invented")
    asked = ldap.LDAP_SearchRequest(
        baseObject=b"DC=corp", scope=0, filter=ldap.LDAP_Filter.from_rfc2254_string("(uid=anna)"), attributes=[]
    )
    entry_ = ldap.LDAP_SearchResponseEntry(objectName=b"CN=Anna", attributes=[])
    turns = [
        (CLIENT, scapy_message(1, ldap.LDAP_BindRequest(version=3, bind_name=b"", authentication=credentials))),
        (SERVER, scapy_message(1, ldap.LDAP_BindResponse(resultCode=0))),
        (CLIENT, scapy_message(2, asked)),
        (SERVER, scapy_message(2, entry_) + scapy_message(2, ldap.LDAP_SearchResponseResultDone(resultCode=4))),
    ]
    found, connection = play(turns)
    assert [(f[0], *f[2:8]) for f in facts(found)] == [
        ("bind", "GSS-SPNEGO", None, None, None, 0, 0),
        ("search", None, "base", "uid", "anna", 4, 1),
    ]
    assert connection.anomalies == []
