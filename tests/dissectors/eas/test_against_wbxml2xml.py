"""Our XML is that of libwbxml's wbxml2xml: for every tag, for random trees, and for the recorded bodies.

libwbxml 0.11 spells namespaces with a colon ("Email:") and some tags by older names, which `SPELLINGS` lists; it knows
no tags of 16.1 and none that are only reserved (`UNKNOWN`). It shows opaque data as base64, and so all text in the tags
that should hold nothing else (`BINARY`, MS-ASDTYPE 2.7.1); ours shows the size of opaque data, and text as it is.
"""

import binascii
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dissectors.eas import codepages
from dissectors.eas.wbxml import Element, decode
from dissectors.eas.wbxml_encode import element, encode
from dissectors.eas.xml import render
from tests.dissectors.eas.recorded import NAMES, wbxml_bodies

WBXML2XML = shutil.which("wbxml2xml")
pytestmark = pytest.mark.skipif(WBXML2XML is None, reason="wbxml2xml (package libwbxml2-utils) is not installed")

_ADDRESS = ("City", "Country", "PostalCode", "State", "Street")
_RECURRENCE = ("Type", "Until", "Occurrences", "Interval", "DayOfWeek", "DayOfMonth", "WeekOfMonth", "MonthOfYear")

# (page, tag) as in MS-ASWBXML → as libwbxml spells it.
SPELLINGS = {
    # It is older than the words "Address" and "PhoneNumber" of MS-ASCNTC.
    **{
        ("Contacts", f"{place}Address{part}"): f"{place}{part}"
        for place in ("Business", "Home", "Other")
        for part in _ADDRESS
    },
    ("Contacts", "AssistantPhoneNumber"): "AssistantTelephoneNumber",
    # It puts the parent's name before a tag, so that names are unique on a page.
    **{(page, tag): f"Recurrence_{tag}" for page in ("Email", "Calendar", "Tasks") for tag in _RECURRENCE},
    **{("Tasks", tag): f"Recurrence_{tag}" for tag in ("Start", "Regenerate", "DeadOccur")},
    ("Calendar", "Email"): "Attendee_Email",
    ("Calendar", "Name"): "Attendee_Name",
    ("Calendar", "AttendeeStatus"): "Attendee_Status",
    ("Calendar", "AttendeeType"): "Attendee_Type",
    ("Calendar", "Deleted"): "Exception_Deleted",
    ("Calendar", "ExceptionStartTime"): "Exception_StartTime",
    ("Calendar", "OrganizerEmail"): "Organizer_Email",
    ("Calendar", "OrganizerName"): "Organizer_Name",
    ("Email", "Status"): "FlagStatus",
    ("ComposeMail", "Name"): "ForwardeeName",  # so does Microsoft's own code
    ("ComposeMail", "Email"): "ForwardeeEmail",
    ("RightsManagement", "Owner"): "RMOwner",
    # Capitals and dashes.
    ("Email", "AttOid"): "AttOId",
    ("Email", "ReplyTo"): "Reply-To",
    ("Email", "DtStamp"): "DTStamp",
    ("Calendar", "DtStamp"): "DTStamp",
    ("Calendar", "Timezone"): "TimeZone",
    ("Calendar", "CompressedRTF"): "Compressed_RTF",
    ("AirNotify", "Lifetime"): "LifeTime",
    ("Tasks", "UtcDueDate"): "UTCDueDate",
    ("Tasks", "UtcStartDate"): "UTCStartDate",
    ("Settings", "SMTPAddress"): "SmtpAddress",
    ("ComposeMail", "Mime"): "MIME",
    # Names of earlier issues of the documents.
    ("Provision", "RequireStorageCardEncryption"): "DeviceEncryptionEnabled",
    ("RightsManagement", "RemoveRightsManagementProtection"): "RemoveRightsManagementDistribution",
    ("Settings", "RightsManagementInformation"): "ihsManagementInformation",  # cut by a slip of the keyboard
}
UNKNOWN = {
    *((f"{page}", tag) for page in ("Find",) for tag in codepages.PAGES[25].tags.values()),
    *(("Calendar", tag) for tag in ("Attachment", "Attachments", "AttName", "AttSize", "AttOid", "AttMethod")),
    ("Calendar", "AttRemoved"),
    ("Calendar", "DisplayName"),
    ("MeetingResponse", "ProposedStartTime"),
    ("MeetingResponse", "ProposedEndTime"),
    ("Ping", "Version"),
    ("Provision", "AccountOnlyRemoteWipe"),
    ("Search", "Stores"),
    ("Search", "SubstringOp"),
    ("ComposeMail", "Type"),
}
BINARY = {
    codepages.key(name)
    for name in (
        *("ResolveRecipients:Data", "GAL:Data", "AirSyncBase:Content", "ComposeMail:Mime", "Search:ConversationId"),
        *("ItemOperations:ConversationId", "Email2:ConversationId", "Email2:ConversationIndex"),
    )
}
KNOWN = [key for key, tag in codepages.NAMES.items() if (codepages.page_name(key >> 8), tag) not in UNKNOWN]


def theirs(body: bytes, directory: Path) -> list[tuple[str, str]]:
    """(namespace and tag, text) of each element, as wbxml2xml writes them."""
    (directory / "body.wbxml").write_bytes(body)
    command = [str(WBXML2XML), "-l", "ACTIVESYNC", "-k", "-m", "0", "-o", "-", str(directory / "body.wbxml")]
    written = subprocess.run(command, capture_output=True, check=True).stdout
    return [
        (found.tag.replace(":}", "}"), (found.text or "").strip()) for found in ElementTree.fromstring(written).iter()
    ]


def ours(body: bytes) -> list[tuple[str, str]]:
    """The same as we write them, in libwbxml's spelling, with opaque data as base64."""
    root = decode(body).root
    assert root is not None
    elements = []
    pending = [root]
    while pending:
        found = pending.pop()
        elements.append(found)
        pending += reversed(found.children)
    said = []
    for found, shown in zip(elements, ElementTree.fromstring(render(root)).iter(), strict=True):
        assert shown.tag == f"{{{found.namespace}}}{found.name}"
        name = SPELLINGS.get((found.page_name, found.name), found.name)
        text = (shown.text or "").strip()
        binary = found.opaque or (text.encode() if found.key in BINARY else b"")
        if binary:
            text = binascii.b2a_base64(binary, newline=False).decode()
        said.append((f"{{{found.namespace}}}{name}", text))
    return said


@pytest.mark.parametrize("page", codepages.PAGES.values(), ids=lambda page: page.name)
def test_every_tag_has_the_name_that_libwbxml_gives_it(page: codepages.CodePage, tmp_path: Path) -> None:
    known = [
        Element(page.number, token, text=tag) for token, tag in page.tags.items() if (page.name, tag) not in UNKNOWN
    ]
    body = encode(element("AirSync:Sync", *known))
    assert theirs(body, tmp_path) == ours(body)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_random_trees_of_all_pages_are_written_alike(data: st.DataObject, tmp_path: Path) -> None:
    texts = st.text("aZ0 é€<>&'\"]", min_size=1, max_size=12).map(str.strip).filter(bool)

    def leaf(key: int, text: str | None) -> Element:
        return Element(key >> 8, key & 0xFF, text=text)

    def branch(key: int, children: list[Element]) -> Element:
        return Element(key >> 8, key & 0xFF, children=children)

    keys = st.sampled_from(KNOWN)
    trees = st.recursive(
        st.builds(leaf, keys, st.none() | texts),
        lambda below: st.builds(branch, keys, st.lists(below, min_size=1, max_size=4)),
        max_leaves=25,
    )
    body = encode(element("AirSync:Sync", *data.draw(st.lists(trees, min_size=1, max_size=4))))
    assert theirs(body, tmp_path) == ours(body)


@pytest.mark.tshark
@pytest.mark.parametrize("name", NAMES)
def test_recorded_bodies_are_written_alike(name: str, tmp_path: Path) -> None:
    bodies = wbxml_bodies(name)
    assert len(bodies) > 8
    for body in bodies:
        assert theirs(body, tmp_path) == ours(body)
