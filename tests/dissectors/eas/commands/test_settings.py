"""Settings: out of office, device information, password, user information, rights management."""

from dissectors.eas.commands import settings
from dissectors.eas.wbxml_encode import element, encode

# One request with several parts.
ASKS = (
    b"\x03\x01\x6a\x00\x00\x12"  # page Settings
    b"\x45"  # <Settings>
    b"\x49\x47\x53\x03TEXT\x00\x01\x01\x01"  # Oof { Get { BodyType } }
    b"\x56\x48"  # <DeviceInformation><Set>
    b"\x57\x03SmartPhone\x00\x01"  # Model
    b"\x58\x03354407050000000\x00\x01"  # IMEI
    b"\x61\x031\x00\x01"  # EnableOutboundSMS
    b"\x01\x01"
    b"\x54\x48\x55\x031234abcd\x00\x01\x01\x01"  # DevicePassword { Set { Password } }
    b"\x5d\x07\x01"  # UserInformation { Get }
    b"\x6b\x07\x01"  # RightsManagementInformation { Get }
    b"\x01"
)


def test_a_request_says_what_it_asks_and_nothing_of_the_device_or_its_password() -> None:
    found = settings.read_request(ASKS)
    assert found is not None
    assert (found.get_oof, found.set_oof, found.oof_state) == (True, False, None)
    assert found.device_traits == ("Model", "IMEI", "EnableOutboundSMS")
    assert (found.outbound_sms, found.device_password) == (True, True)
    assert (found.get_user_information, found.get_rights_management) == (True, True)
    assert found.complete
    for hidden in ("SmartPhone", "354407050000000", "1234abcd"):
        assert hidden not in repr(found)


def test_out_of_office_is_set() -> None:
    oof = element("Settings:Oof", element("Settings:Set", element("Settings:OofState", 2)))
    found = settings.read_request(encode(element("Settings:Settings", oof)))
    assert found is not None
    assert (found.get_oof, found.set_oof, found.oof_state) == (False, True, 2)
    assert not found.device_password


def test_an_answer_has_a_status_a_part_and_counts() -> None:
    def message(enabled: int) -> object:
        return element(
            "Settings:OofMessage",
            element("Settings:AppliesToInternal"),
            element("Settings:Enabled", enabled),
            element("Settings:ReplyMessage", "I am at the beach"),
        )

    addresses = element(
        "Settings:EmailAddresses",
        element("Settings:SMTPAddress", "anna@example.com"),
        element("Settings:PrimarySmtpAddress", "a@example.com"),
    )
    body = element(
        "Settings:Settings",
        element("Settings:Status", 1),
        element(
            "Settings:Oof",
            element("Settings:Status", 1),
            element("Settings:Get", element("Settings:OofState", 1), message(1), message(0), message(1)),
        ),
        element("Settings:DeviceInformation", element("Settings:Status", 5)),
        element("Settings:DevicePassword", element("Settings:Status", 7)),
        element(
            "Settings:UserInformation",
            element("Settings:Status", 1),
            element("Settings:Get", element("Settings:Accounts", element("Settings:Account", addresses))),
        ),
        element(
            "Settings:RightsManagementInformation",
            element("Settings:Status", 168),
            element("Settings:Get", element("RightsManagement:RightsManagementTemplates")),
        ),
    )
    found = settings.read_response(encode(body))
    assert found is not None
    assert (found.status, found.oof_status, found.oof_state, found.oof_messages) == (1, 1, 1, 2)
    assert (found.device_information_status, found.device_password_status) == (5, 7)
    assert (found.user_information_status, found.accounts, found.addresses) == (1, 1, 2)
    assert (found.rights_management_status, found.templates) == (168, 0)
    assert "beach" not in repr(found)
    assert "example" not in repr(found)


def test_what_is_not_in_an_answer_is_not_said() -> None:
    found = settings.read_response(encode(element("Settings:Settings", element("Settings:Status", 2))))
    assert found is not None
    assert found.status == 2
    assert (found.oof_status, found.device_information_status, found.user_information_status) == (None, None, None)


def test_a_trait_with_a_name_of_its_own_is_not_told() -> None:
    # DeviceInformation { Set { LITERAL tag whose name is "anna" in the string table } }
    found = settings.read_request(b"\x03\x01\x6a\x05anna\x00\x00\x12\x45\x56\x48\x04\x00\x01\x01\x01")
    assert found is not None
    assert found.device_traits == ()
    assert [oddity.code for oddity in found.oddities] == ["wbxml_literal"]
