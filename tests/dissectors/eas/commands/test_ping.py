"""Ping requests and responses, full, partial, empty and odd."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissectors.eas.commands import ping
from dissectors.eas.commands.ping import PingFolder, PingRequest, PingResponse
from dissectors.eas.wbxml import Element
from dissectors.eas.wbxml_encode import element, encode


def request(*content: Element) -> PingRequest:
    found = ping.read_request(encode(element("Ping:Ping", *content)))
    assert found is not None
    return found


def response(*content: Element) -> PingResponse:
    found = ping.read_response(encode(element("Ping:Ping", *content)))
    assert found is not None
    return found


def folder(folder_id: str, folder_class: str) -> Element:
    return element("Ping:Folder", element("Ping:Id", folder_id), element("Ping:Class", folder_class))


def test_a_full_request_has_interval_and_folders() -> None:
    found = request(
        element("Ping:HeartbeatInterval", 480), element("Ping:Folders", folder("5", "Email"), folder("c/1", "Calendar"))
    )
    assert found == PingRequest(480, (PingFolder("5", "Email"), PingFolder("c/1", "Calendar")), False, True, ())


def test_what_a_request_leaves_out_is_not_said() -> None:
    assert request(element("Ping:HeartbeatInterval", 60)) == PingRequest(60, None, False, True, ())
    assert request(element("Ping:Folders", folder("5", "Email"))).heartbeat_s is None
    assert request(element("Ping:Folders")).folders == ()
    assert ping.read_request(b"") == PingRequest(None, None, True, True, ())


def test_class_may_come_before_id_and_either_be_missing() -> None:
    found = request(
        element(
            "Ping:Folders",
            element("Ping:Folder", element("Ping:Class", "Email"), element("Ping:Id", "5")),
            element("Ping:Folder", element("Ping:Id", "6")),
            element("Ping:Folder", element("Ping:Class", "Tasks")),
        )
    )
    assert found.folders == (PingFolder("5", "Email"), PingFolder("6", None), PingFolder(None, "Tasks"))


def test_changes_name_their_folders() -> None:
    found = response(
        element("Ping:Status", 2), element("Ping:Folders", element("Ping:Folder", "5"), element("Ping:Folder", "i/1"))
    )
    assert found == PingResponse(2, ("5", "i/1"), None, None, True, ())


@pytest.mark.parametrize(
    ("status", "extra", "heartbeat_s", "max_folders"),
    [
        (1, [], None, None),
        (5, [element("Ping:HeartbeatInterval", 60)], 60, None),
        (6, [element("Ping:MaxFolders", 200)], None, 200),
    ],
)
def test_refusals_bring_the_servers_bounds(
    status: int, extra: list[Element], heartbeat_s: int | None, max_folders: int | None
) -> None:
    assert response(element("Ping:Status", status), *extra) == PingResponse(
        status, (), heartbeat_s, max_folders, True, ()
    )


def test_an_empty_answer_is_noted() -> None:
    found = ping.read_response(b"")
    assert found is not None
    assert (found.status, [oddity.code for oddity in found.oddities]) == (None, ["eas_ping_without_answer"])


@pytest.mark.parametrize("text", ["soon", "-1", "4e3", "٤٨٠", "9" * 11])
def test_an_interval_that_is_no_number_is_noted(text: str) -> None:
    found = request(element("Ping:HeartbeatInterval", text))
    assert found.heartbeat_s is None
    assert [oddity.code for oddity in found.oddities] == ["eas_bad_number"]


def test_another_root_is_not_a_ping() -> None:
    other = encode(element("AirSync:Sync", element("AirSync:Status", 1)))
    assert ping.read_request(other) is None
    assert ping.read_response(other) is None


def test_a_cut_request_says_that_it_is_cut() -> None:
    body = encode(
        element("Ping:Ping", element("Ping:HeartbeatInterval", 480), element("Ping:Folders", folder("5", "Email")))
    )
    for length in range(5, len(body)):
        found = ping.read_request(body[:length])
        assert found is not None
        assert not found.complete
        assert found.heartbeat_s in (None, 480)


def test_large_bodies_are_read_without_being_remembered() -> None:
    found = request(element("Ping:Folders", *[folder(f"i/{number}", "Email") for number in range(1000)]))
    before = ping._cached_request.cache_info().currsize
    assert found.folders is not None
    assert len(found.folders) == 1000
    assert ping._cached_request.cache_info().currsize == before


@given(st.binary(max_size=200))
def test_any_bytes_are_read(inside: bytes) -> None:
    for start in (b"", b"\x03\x01\x6a\x00", b"\x03\x01\x6a\x00\x00\x0d\x45"):
        ping.read_request(start + inside)
        ping.read_response(start + inside)


TEXT = st.text("a5/é\n", max_size=4)


@given(
    st.none() | st.text("0159 x", max_size=12),
    st.none() | st.lists(st.tuples(st.none() | TEXT, st.none() | TEXT), max_size=3),
    st.binary(max_size=2),
)
def test_the_pattern_for_requests_reads_what_the_walk_reads(
    interval: str | None, folders: list[tuple[str | None, str | None]] | None, behind: bytes
) -> None:
    content = [] if interval is None else [element("Ping:HeartbeatInterval", interval)]
    if folders is not None:
        parts = [
            [element(tag, text) for tag, text in (("Ping:Id", name), ("Ping:Class", kind)) if text is not None]
            for name, kind in folders
        ]
        content.append(element("Ping:Folders", *(element("Ping:Folder", *part) for part in parts)))
    body = encode(element("Ping:Ping", *content)) + behind
    assert ping.read_request(body) == ping._walk_request(body)


@given(st.none() | st.text("0159 x", max_size=12), st.none() | st.lists(TEXT, max_size=3), st.binary(max_size=2))
def test_the_pattern_for_responses_reads_what_the_walk_reads(
    status: str | None, folders: list[str] | None, behind: bytes
) -> None:
    content = [] if status is None else [element("Ping:Status", status)]
    if folders is not None:
        content.append(element("Ping:Folders", *(element("Ping:Folder", name) for name in folders)))
    body = encode(element("Ping:Ping", *content)) + behind
    assert ping.read_response(body) == ping._walk_response(body)


@pytest.mark.parametrize(("read", "body"), [(ping._usual_request, request), (ping._usual_response, response)])
def test_what_devices_and_servers_usually_send_is_read_by_the_patterns(read, body) -> None:
    usual = {
        request: element(
            "Ping:Ping",
            element("Ping:HeartbeatInterval", 480),
            element("Ping:Folders", folder("5", "Email"), folder("c/1", "Tasks")),
        ),
        response: element("Ping:Ping", element("Ping:Status", 2), element("Ping:Folders", element("Ping:Folder", "5"))),
    }
    assert read(encode(usual[body])) is not None
