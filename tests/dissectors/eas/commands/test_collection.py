"""CreateCollection, DeleteCollection and MoveCollection of 1.0 to 2.0."""

import pytest

from dissectors.eas.commands import createcollection, deletecollection, movecollection
from dissectors.eas.query import parse_query

COMMANDS = [createcollection, deletecollection, movecollection]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_query_says_what_to_do(command) -> None:
    query = parse_query(
        f"/Microsoft-Server-ActiveSync?Cmd={command.COMMAND}&CollectionId=12&CollectionName=Divorce&ParentId=5"
    )
    assert query is not None
    assert query.command == command.COMMAND
    found = command.read_request(b"", query)
    assert (found.collection_id, found.parent_id, found.named, found.body_bytes) == ("12", "5", True, 0)
    assert "Divorce" not in repr(found)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_answer_is_empty_or_has_a_status(command) -> None:
    assert command.read_response(b"").empty
    # page FolderHierarchy: Response { Status, Folder { ServerId } }
    found = command.read_response(b"\x03\x01\x6a\x00\x00\x07\x4b\x4c\x031\x00\x01\x46\x48\x0312\x00\x01\x01\x01")
    assert (found.empty, found.status, found.server_id) == (False, 1, "12")
    assert command.read_response(b"<html>") is None
