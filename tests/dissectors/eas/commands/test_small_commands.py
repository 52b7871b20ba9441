"""The commands with little to say: bytes written by hand, and what must be read from them."""

from dissectors.eas.commands import (
    foldercreate,
    folderdelete,
    folderupdate,
    gethierarchy,
    getitemestimate,
    meetingresponse,
    moveitems,
    notify,
    resolverecipients,
    validatecert,
)
from dissectors.eas.commands.gethierarchy import HierarchyFolder
from dissectors.eas.commands.getitemestimate import EstimateRequest, EstimateResponse
from dissectors.eas.commands.meetingresponse import Answer, Result
from dissectors.eas.commands.moveitems import Move, Moved
from dissectors.eas.commands.resolverecipients import Resolved
from dissectors.eas.wbxml_encode import element, encode

HEADER = b"\x03\x01\x6a\x00"  # WBXML 1.3, no public identifier, UTF-8, no string table


def test_items_are_moved() -> None:
    asked = moveitems.read_request(
        HEADER + b"\x00\x05"  # page Move
        b"\x45\x46"  # <MoveItems><Move>
        b"\x47\x035:1\x00\x01\x48\x035\x00\x01\x49\x036\x00\x01"  # SrcMsgId, SrcFldId, DstFldId
        b"\x01\x01"
    )
    assert asked is not None
    assert asked.moves == (Move("5:1", "5", "6"),)
    answered = moveitems.read_response(
        HEADER + b"\x00\x05"
        b"\x45\x4a"  # <MoveItems><Response>
        b"\x47\x035:1\x00\x01\x4b\x033\x00\x01\x4c\x036:9\x00\x01"  # SrcMsgId, Status: success, DstMsgId
        b"\x01\x01"
    )
    assert answered is not None
    assert (answered.status, answered.moved) == (None, (Moved("5:1", 3, "6:9"),))


def test_changes_are_estimated_in_the_form_of_2_5() -> None:
    asked = getitemestimate.read_request(
        HEADER + b"\x00\x06"  # page GetItemEstimate
        b"\x45\x47\x48"  # <GetItemEstimate><Collections><Collection>
        b"\x49\x03Email\x00\x01\x4a\x035\x00\x01"  # Class, CollectionId
        b"\x00\x00\x58\x033\x00\x01\x4b\x0317\x00\x01"  # page AirSync: FilterType, SyncKey
        b"\x01\x01\x01"
    )
    assert asked is not None
    assert asked.collections == (EstimateRequest("5", "Email", "17", 3),)


def test_changes_are_estimated_in_the_form_of_14_0() -> None:
    asked = getitemestimate.read_request(
        HEADER + b"\x00\x06\x45\x47\x48"
        b"\x00\x00\x4b\x0317\x00\x01"  # page AirSync: SyncKey
        b"\x00\x06\x4a\x035\x00\x01"  # page GetItemEstimate: CollectionId
        b"\x00\x00\x57\x50\x03Email\x00\x01\x58\x030\x00\x01\x01"  # page AirSync: Options { Class, FilterType }
        b"\x01\x01\x01"
    )
    assert asked is not None
    assert asked.collections == (EstimateRequest("5", "Email", "17", 0),)
    answered = getitemestimate.read_response(
        HEADER + b"\x00\x06"
        b"\x45\x4d"  # <GetItemEstimate><Response>
        b"\x4e\x031\x00\x01"  # Status
        b"\x48\x4a\x035\x00\x01\x4c\x03124\x00\x01\x01"  # Collection { CollectionId, Estimate }
        b"\x01\x01"
    )
    assert answered is not None
    assert answered.collections == (EstimateResponse(1, "5", 124),)


def test_meetings_are_answered() -> None:
    asked = meetingresponse.read_request(
        HEADER + b"\x00\x08"  # page MeetingResponse
        b"\x47\x49"  # <MeetingResponse><Request>
        b"\x4c\x032\x00\x01\x46\x035\x00\x01\x48\x035:3\x00\x01"  # UserResponse: tentative, CollectionId, RequestId
        b"\x4e\x032026-01-01T00:00:00.000Z\x00\x01"  # InstanceId
        b"\x52\x50\x0320260102T090000Z\x00\x01\x01"  # SendResponse { ProposedStartTime }
        b"\x01\x01"
    )
    assert asked is not None
    assert asked.answers == (Answer(2, "5", "5:3", None, True, True, True),)
    answered = meetingresponse.read_response(
        HEADER + b"\x00\x08"
        b"\x47\x4a"  # <MeetingResponse><Result>
        b"\x48\x035:3\x00\x01\x4b\x031\x00\x01\x45\x037:1\x00\x01"  # RequestId, Status, CalendarId
        b"\x01\x01"
    )
    assert answered is not None
    assert answered.results == (Result("5:3", 1, "7:1"),)


def test_recipients_are_resolved_without_saying_who() -> None:
    asked = resolverecipients.read_request(
        HEADER + b"\x00\x0a"  # page ResolveRecipients
        b"\x45"  # <ResolveRecipients>
        b"\x50\x03bob\x00\x01\x50\x03eve\x00\x01"  # To, To
        b"\x4f\x51\x032\x00\x01\x53\x0310\x00\x01\x54\x0319\x00\x01"  # Options { three numbers,
        b"\x56\x57\x032026-01-01T00:00:00.000Z\x00\x01\x01\x1a\x01"  # Availability { StartTime }, Picture }
        b"\x01"
    )
    assert asked is not None
    assert (asked.names, asked.certificate_retrieval, asked.max_certificates) == (2, 2, 10)
    assert (asked.max_ambiguous_recipients, asked.availability, asked.pictures) == (19, True, True)
    answered = resolverecipients.read_response(
        HEADER + b"\x00\x0a\x45"
        b"\x47\x031\x00\x01"  # Status
        b"\x46"  # <Response>
        b"\x50\x03bob\x00\x01\x47\x032\x00\x01\x52\x032\x00\x01"  # To, Status: ambiguous, RecipientCount
        b"\x49\x4a\x03Bob One\x00\x01\x4b\x03bob@x.org\x00\x01"  # <Recipient> DisplayName, EmailAddress
        b"\x4c\x47\x031\x00\x01\x55\x031\x00\x01\x4d\x03MIIDMj\x00\x01\x01"  # Certificates { ... }
        b"\x56\x47\x03162\x00\x01\x01"  # Availability { Status }
        b"\x5a\x47\x03173\x00\x01\x01\x01"  # Picture { Status } </Recipient>
        b"\x49\x01\x01\x01"  # <Recipient/>
    )
    assert answered is not None
    assert (answered.status, answered.resolved) == (1, (Resolved(2, 2, 2, 1, (1,), (162,), (173,)),))
    for hidden in ("bob", "Bob", "MIIDMj"):
        assert hidden not in repr((asked, answered))


def test_certificates_are_counted_and_judged() -> None:
    asked = validatecert.read_request(
        HEADER + b"\x00\x0b"  # page ValidateCert
        b"\x45"
        b"\x48\x47\x03MIIA\x00\x01\x47\x03MIIB\x00\x01\x01"  # CertificateChain { Certificate, Certificate }
        b"\x46\x47\x03MIIC\x00\x01\x01"  # Certificates { Certificate }
        b"\x49\x031\x00\x01"  # CheckCRL
        b"\x01"
    )
    assert asked is not None
    assert (asked.certificates, asked.chain_certificates, asked.check_revocation) == (1, 2, True)
    assert "MII" not in repr(asked)
    answered = validatecert.read_response(
        HEADER + b"\x00\x0b\x45\x4a\x031\x00\x01\x47\x4a\x037\x00\x01\x01\x01"  # Status, Certificate { Status }
    )
    assert answered is not None
    assert (answered.status, answered.certificate_statuses) == (1, (7,))


def test_a_folder_is_made_without_saying_its_name() -> None:
    asked = foldercreate.read_request(
        HEADER + b"\x00\x07"  # page FolderHierarchy
        b"\x53"  # <FolderCreate>
        b"\x52\x033\x00\x01\x49\x035\x00\x01\x47\x03Divorce\x00\x01\x4a\x0312\x00\x01"  # key, parent, name, type
        b"\x01"
    )
    assert asked is not None
    assert (asked.sync_key, asked.parent_id, asked.folder_type) == ("3", "5", 12)
    assert "Divorce" not in repr(asked)
    answered = foldercreate.read_response(
        HEADER + b"\x00\x07\x53\x4c\x031\x00\x01\x52\x034\x00\x01\x48\x0329\x00\x01\x01"  # Status, SyncKey, ServerId
    )
    assert answered is not None
    assert (answered.status, answered.sync_key, answered.server_id) == (1, "4", "29")


def test_a_folder_is_removed() -> None:
    asked = folderdelete.read_request(HEADER + b"\x00\x07\x54\x52\x034\x00\x01\x48\x0329\x00\x01\x01")
    assert asked is not None
    assert (asked.sync_key, asked.server_id) == ("4", "29")
    answered = folderdelete.read_response(HEADER + b"\x00\x07\x54\x4c\x034\x00\x01\x52\x035\x00\x01\x01")
    assert answered is not None
    assert (answered.status, answered.sync_key) == (4, "5")


def test_a_folder_is_moved_and_renamed() -> None:
    asked = folderupdate.read_request(
        HEADER + b"\x00\x07\x55\x52\x035\x00\x01\x48\x0329\x00\x01\x49\x030\x00\x01\x47\x03Love\x00\x01\x01"
    )
    assert asked is not None
    assert (asked.sync_key, asked.server_id, asked.parent_id) == ("5", "29", "0")
    assert "Love" not in repr(asked)
    answered = folderupdate.read_response(HEADER + b"\x00\x07\x55\x4c\x032\x00\x01\x01")
    assert answered is not None
    assert (answered.status, answered.sync_key) == (2, None)


def test_a_hierarchy_is_got_without_a_body() -> None:
    asked = gethierarchy.read_request(b"")
    assert asked is not None
    assert asked.empty
    assert gethierarchy.read_request(HEADER + b"\x00\x07\x05") is None
    answered = gethierarchy.read_response(
        HEADER + b"\x00\x07"
        b"\x45\x46"  # <Folders><Folder>
        b"\x47\x03Inbox\x00\x01\x48\x035\x00\x01\x4a\x032\x00\x01\x49\x030\x00\x01"  # name, id, type, parent
        b"\x01\x01"
    )
    assert answered is not None
    assert answered.folders == (HierarchyFolder("5", "0", 2),)


def test_a_device_registers_for_triggers_without_saying_where_it_is() -> None:
    asked = notify.read_request(
        HEADER + b"\x00\x03"  # page AirNotify
        b"\x45\x49"  # <Notify><DeviceInfo>
        b"\x4a\x031\x00\x01"  # Enable
        b"\x4b\x4c\x035\x00\x01\x01"  # Folder { ServerId }
        b"\x48\x0386400\x00\x01"  # Lifetime
        b"\x4d\x03+15550100@sms.example\x00\x01"  # DeviceAddress
        b"\x4f\x03{D23B}\x00\x01"  # CarrierProfile
        b"\x01\x01"
    )
    assert asked is not None
    assert (asked.enable, asked.folder_ids, asked.lifetime) == (True, ("5",), 86400)
    assert (asked.device_address, asked.carrier_profile) == (True, True)
    assert "555" not in repr(asked)
    answered = notify.read_response(HEADER + b"\x00\x03\x45\x50\x031\x00\x01\x0e\x01")  # Status, ValidCarrierProfiles
    assert answered is not None
    assert (answered.status, answered.carrier_profiles, answered.devices) == (1, False, 0)


def test_a_registration_may_have_attributes_and_say_nothing() -> None:
    # <Notify Version="1.1"> <DeviceInfo/>: attributes may occur on this page, see the notes to the code pages.
    asked = notify.read_request(HEADER + b"\x00\x03\xc5\x05\x031.1\x00\x01\x09\x01")
    assert asked is not None
    assert (asked.enable, asked.folder_ids, asked.lifetime, asked.device_address) == (None, (), None, False)
    assert [oddity.code for oddity in asked.oddities] == ["wbxml_attributes"]


def test_a_status_on_top_is_of_the_whole() -> None:
    for command, page in (
        (moveitems, "Move"),
        (getitemestimate, "GetItemEstimate"),
        (meetingresponse, "MeetingResponse"),
    ):
        root = "MoveItems" if page == "Move" else page
        found = command.read_response(encode(element(f"{page}:{root}", element(f"{page}:Status", 142))))
        assert found is not None
        assert found.status == 142
