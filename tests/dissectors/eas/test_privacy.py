"""Whose business the text of each element is."""

import pytest

from dissectors.eas import codepages
from dissectors.eas.privacy import kind_of, kind_of_parameter


def kind(qualified_name: str) -> str:
    key = codepages.key(qualified_name)
    return kind_of(key >> 8, key & 0xFF)


@pytest.mark.parametrize(
    "name",
    ["AirSync:SyncKey", "AirSync:CollectionId", "AirSync:ServerId", "AirSync:Class", "Ping:Status", "Ping:Id",
     "Ping:Folder", "FolderHierarchy:ServerId", "Email:DateReceived", "Email:Read",
     "AirSyncBase:EstimatedDataSize", "Search:Total", "Provision:DevicePasswordEnabled", "Provision:PolicyType",
     "Settings:OofState", "Find:Range"],
)  # fmt: skip
def test_ids_keys_statuses_numbers_times_and_rules_are_open(name: str) -> None:
    assert kind(name) == "open"


@pytest.mark.parametrize(
    "name",
    ["Email:Subject", "Email:From", "Email:To", "Email:Body", "Email:AttName", "AirSyncBase:Data",
     "AirSyncBase:DisplayName", "FolderHierarchy:DisplayName", "Contacts:FirstName", "Calendar:Location",
     "Calendar:UID", "Search:Query", "Search:FreeText", "GAL:EmailAddress", "ResolveRecipients:To",
     "ResolveRecipients:Certificate", "Settings:IMEI", "Settings:PhoneNumber", "Settings:ReplyMessage",
     "AirNotify:DeviceAddress", "ComposeMail:Mime", "Email2:Sender", "Find:Preview", "ItemOperations:UserName",
     "DocumentLibrary:LinkId", "AirSyncBase:Latitude"],
)  # fmt: skip
def test_names_addresses_texts_and_places_are_personal(name: str) -> None:
    assert kind(name) == "personal"


@pytest.mark.parametrize(
    "name",
    ["Provision:PolicyKey", "Provision:Data", "Provision:Hash", "Provision:ApplicationName", "Settings:Password",
     "Settings:DevicePassword", "Search:Password", "ItemOperations:Password"],
)  # fmt: skip
def test_passwords_keys_and_policy_data_are_secret(name: str) -> None:
    assert kind(name) == "secret"


def test_what_nobody_knows_is_personal_and_on_the_page_of_provision_secret() -> None:
    assert kind_of(0, 0x3F) == "personal"
    assert kind_of(0xFE, 0x07) == "personal"
    assert kind_of(2, 0x04) == "personal"  # LITERAL
    assert kind_of(14, 0x3F) == "secret"


def test_every_tag_named_for_something_people_write_is_not_open() -> None:
    telling = ("Name", "Address", "Subject", "Body", "Phone", "Email", "Title", "Password", "Key", "Picture", "Notes")
    harmless = {"AirSync:SyncKey", "FolderHierarchy:SyncKey", "Search:Name"}  # Search:Name is that of a store
    for key, tag in codepages.NAMES.items():
        page = codepages.page_name(key >> 8)
        if tag.endswith(telling) and page != "Provision" and f"{page}:{tag}" not in harmless:
            assert kind_of(key >> 8, key & 0xFF) != "open", f"{page}:{tag}"


def test_parameters_of_the_query_are_open_only_when_they_are_ids_or_flags() -> None:
    assert {kind_of_parameter(name) for name in ("CollectionId", "ItemId", "SaveInSent", "Occurrence")} == {"open"}
    assert {kind_of_parameter(name) for name in ("AttachmentName", "CollectionName", "User", "Tag-9")} == {"personal"}
