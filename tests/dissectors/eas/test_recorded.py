"""Recorded sessions of Z-Push and SOGo: what is decoded is what the clients' own logs say, and what tshark decodes.

tshark decrypts and cuts the captures into bodies here, so that nothing but this package is under test.
"""

import json
import re
from collections import Counter
from typing import Any

import pytest

from dissectors.eas import EasMessage, decode_transaction
from dissectors.eas.commands.foldersync import FolderSyncRequest, FolderSyncResponse
from dissectors.eas.commands.generic import GenericMessage
from dissectors.eas.commands.ping import PingRequest, PingResponse
from dissectors.eas.commands.sync import SyncRequest, SyncResponse
from dissectors.eas.wbxml import Element, decode
from dissectors.events import Transaction
from tests.dissectors.eas.recorded import NAMES, transactions, tshark
from tests.support.places import recording

pytestmark = pytest.mark.tshark


def _messages(name: str) -> list[tuple[EasMessage, Transaction, dict[str, Any]]]:
    """Each decoded transaction with the exchange of the client's log."""
    (device,) = json.loads(recording(f"{name}.truth.json").read_text())["devices"]
    exchanges = device["exchanges"]
    logged = {exchange["cmd"] for exchange in exchanges}
    decoded = [(decode_transaction(transaction), transaction) for transaction, _ in transactions(name)]
    messages = [(message, each) for message, each in decoded if message is not None and message.command in logged]
    assert len(messages) == len(exchanges)
    return [(message, each, exchange) for (message, each), exchange in zip(messages, exchanges, strict=True)]


@pytest.fixture(scope="module", params=NAMES)
def messages(request: pytest.FixtureRequest) -> list[tuple[EasMessage, Transaction, dict[str, Any]]]:
    return _messages(request.param)


Messages = list[tuple[EasMessage, Transaction, dict[str, Any]]]


def test_command_and_device_are_the_clients(messages: Messages) -> None:
    for message, _, exchange in messages:
        assert message.command == exchange["cmd"]
        assert message.device_id == (exchange["device_id"] if exchange["cmd"] != "OPTIONS" else None)
        assert message.oddities == ()


def test_every_message_has_its_own_type(messages: Messages) -> None:
    for message, _, _ in messages:
        assert not isinstance(message.request, GenericMessage)
        assert not isinstance(message.response, GenericMessage)


def test_statuses_of_all_commands_are_the_clients(messages: Messages) -> None:
    compared = 0
    for message, _, exchange in messages:
        said = (exchange.get("resp") or {}).get("Status")
        if said is not None and message.response is not None and hasattr(message.response, "status"):
            assert message.response.status == int(said)
            compared += 1
    assert compared > 0


def test_sizes_are_the_clients(messages: Messages) -> None:
    for message, transaction, exchange in messages:
        assert transaction.response is not None
        for side, body, size in (
            (message.request, transaction.request and transaction.request.body, exchange.get("req_body_plain")),
            (message.response, transaction.response.body, exchange["resp_body_plain"]),
        ):
            if isinstance(side, SyncRequest | SyncResponse) and not side.empty:
                parts = side.header_bytes + side.envelope_bytes
                if isinstance(side, SyncRequest):
                    assert parts + sum(found.upload_bytes for found in side.collections) == size
                else:
                    assert parts + sum(found.download_bytes for found in side.collections) == size
            elif isinstance(side, GenericMessage):
                assert side.size_bytes == size
            if side is not None and size is not None:
                assert len(body or b"") == size
                assert side.complete


def test_pings_are_the_clients(messages: Messages) -> None:
    for message, _, exchange in messages:
        if exchange["cmd"] != "Ping":
            continue
        asked, answered = message.request, message.response
        assert isinstance(asked, PingRequest)
        assert isinstance(answered, PingResponse)
        logged = exchange.get("req") or {}
        assert asked.heartbeat_s == (int(logged["HeartbeatInterval"]) if "HeartbeatInterval" in logged else None)
        assert asked.empty == (exchange.get("req_body_plain", 0) == 0)
        folders = (
            None if asked.folders is None else [{"id": each.id, "class": each.folder_class} for each in asked.folders]
        )
        assert folders == logged.get("folders")
        assert answered.status == int(exchange["resp"]["Status"])
        changed = [each["id"] if isinstance(each, dict) else each for each in exchange["resp"].get("folders", [])]
        assert list(answered.changed) == changed


def test_folder_hierarchies_are_the_clients(messages: Messages) -> None:
    ((message, exchange),) = [
        (message, exchange) for message, _, exchange in messages if exchange["cmd"] == "FolderSync"
    ]
    asked, answered = message.request, message.response
    assert isinstance(asked, FolderSyncRequest)
    assert isinstance(answered, FolderSyncResponse)
    assert asked.sync_key == exchange["req"].get("SyncKey", "0")
    assert answered.sync_key == exchange["resp"]["SyncKey"]
    folders = [{"id": each.server_id, "name": each.name, "type": str(each.folder_type)} for each in answered.added]
    assert folders == exchange["resp"]["folders_added"]
    assert answered.count == len(folders)


def test_sync_requests_are_the_clients(messages: Messages) -> None:
    for message, _, exchange in messages:
        if exchange["cmd"] != "Sync":
            continue
        asked = message.request
        assert isinstance(asked, SyncRequest)
        logged = exchange.get("req") or {}
        assert asked.empty == (exchange.get("req_body_plain", 0) == 0)
        assert asked.heartbeat_s == (int(logged["HeartbeatInterval"]) if "HeartbeatInterval" in logged else None)
        assert asked.wait_min == (int(logged["Wait"]) if "Wait" in logged else None)
        assert [(each.collection_id, each.sync_key) for each in asked.collections] == [
            (each["CollectionId"], each["SyncKey"]) for each in logged.get("collections", [])
        ]
        for each, of_log in zip(asked.collections, logged.get("collections", []), strict=True):
            if "WindowSize" in of_log:
                assert each.window_size == int(of_log["WindowSize"])
            if "GetChanges" in of_log:
                assert each.get_changes == (of_log["GetChanges"] == "1")


def test_sync_answers_are_the_clients(messages: Messages) -> None:
    for message, _, exchange in messages:
        if exchange["cmd"] != "Sync":
            continue
        answered = message.response
        assert isinstance(answered, SyncResponse)
        assert answered.empty == (exchange["resp_body_plain"] == 0)
        collections = (exchange.get("resp") or {}).get("collections", [])
        for each, of_log in zip(answered.collections, collections, strict=True):
            assert each.collection_id == of_log["CollectionId"]
            assert each.sync_key == of_log["SyncKey"]
            assert each.status == int(of_log["Status"])
            assert each.more_available == of_log.get("MoreAvailable", False)
            if "n_Commands" in of_log:
                assert each.adds + each.changes + each.deletes + each.soft_deletes == of_log["n_Commands"]
            else:
                assert each.adds == of_log.get("n_Add", 0)
                assert each.changes == of_log.get("n_Change", 0)
                assert each.deletes == of_log.get("n_Delete", 0)


# Where tshark 4.0.17 spells a tag in another way: by old names, which nobody's documents have any more.
_WIRESHARK_SPELLINGS = {
    ("Provision", "RequireStorageCardEncryption"): "DeviceEncryptionEnabled",
    ("Email", "Status"): "FlagStatus",
}


@pytest.mark.parametrize("name", ["a_healthy", "s_hsync"])
def test_tags_and_texts_are_those_that_tshark_decodes(name: str) -> None:
    shown: dict[int, list[str]] = {}
    frame = 0
    for line in tshark(name, "-Y", "wbxml", "-O", "wbxml").splitlines():
        if found := re.match(r"Frame (\d+):", line):
            frame = int(found[1])
        elif found := re.search(r"\|\s+<([A-Za-z0-9]+)(?: />|>)$", line):
            shown.setdefault(frame, []).append(found[1])
        elif found := re.search(r"STR_I \(Inline string\)\s+\|\s+'(.*)$", line):
            shown.setdefault(frame, []).append("'" + found[1])
    compared: Counter[str] = Counter()
    texts = 0
    for transaction, _ in transactions(name):
        for side in (transaction.request, transaction.response):
            ours = _said(decode(side.body or b"").root) if side else []
            if side is None or not ours or sum(not said.startswith("'") for said in ours) > 200:
                continue  # tshark stops after 239 siblings
            theirs = shown[side.first_frame]
            assert len(ours) == len(theirs)
            for our, their in zip(ours, theirs, strict=True):
                if our.startswith("'"):
                    # tshark cuts long lines and escapes what is not printable ASCII: compared is what comes before.
                    plain = re.match(r"'[ !#-\[\]-~]*", our)[0]  # type: ignore[index]
                    length = min(len(plain), len(their.rstrip("'")))
                    assert plain[:length] == their[:length]
                    texts += 1
                else:
                    assert our == their
                    compared[our] += 1
    assert compared.total() > 500
    assert len(compared) > 40
    assert texts > 400


def _said(root: Element | None) -> list[str]:
    """The names of all elements as tshark spells them, each followed by its text with a quote before it."""
    said = []
    pending = [root] if root else []
    while pending:
        element = pending.pop()
        said.append(_WIRESHARK_SPELLINGS.get((element.page_name, element.name), element.name))
        if element.text is not None:
            said.append("'" + element.text)
        pending += reversed(element.children)
    return said
