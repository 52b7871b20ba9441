"""Settings: out of office, the device's traits, its recovery password, the user's addresses, rights management.

Specification: MS-ASCMD 2.2.1.18, from 12.0 on; MS-ASRM for rights management. One request may hold several of them.

All that people wrote or that tells them apart stays behind: messages, addresses, passwords, traits of the device.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity
from dissectors.eas.wbxml import Element

SETTINGS = key("Settings:Settings")
STATUS = key("Settings:Status")
GET = key("Settings:Get")
SET = key("Settings:Set")
OOF = key("Settings:Oof")
OOF_STATE = key("Settings:OofState")
OOF_MESSAGE = key("Settings:OofMessage")
ENABLED = key("Settings:Enabled")
DEVICE_PASSWORD = key("Settings:DevicePassword")
DEVICE_INFORMATION = key("Settings:DeviceInformation")
ENABLE_OUTBOUND_SMS = key("Settings:EnableOutboundSMS")
USER_INFORMATION = key("Settings:UserInformation")
SMTP_ADDRESS = key("Settings:SMTPAddress")
PRIMARY_SMTP_ADDRESS = key("Settings:PrimarySmtpAddress")
ACCOUNT = key("Settings:Account")
RIGHTS_MANAGEMENT = key("Settings:RightsManagementInformation")
TEMPLATE = key("RightsManagement:RightsManagementTemplate")

OOF_STATES = {0: "off", 1: "on", 2: "between two times"}  # MS-ASCMD 2.2.3.125


class SettingsRequest(NamedTuple):
    """What the device asks for and sets."""

    get_oof: bool
    set_oof: bool
    oof_state: int | None  # to set; see OOF_STATES
    device_traits: tuple[str, ...]  # which it tells about itself, not what: Model, IMEI, PhoneNumber, ...
    outbound_sms: bool  # it offers to send SMS for the server (14.0)
    device_password: bool  # a recovery password is set or taken back
    get_user_information: bool
    get_rights_management: bool
    complete: bool
    oddities: tuple[Oddity, ...]


class SettingsResponse(NamedTuple):
    """The results, one status a part. None: that part was not there."""

    status: int | None
    oof_status: int | None
    oof_state: int | None  # see OOF_STATES
    oof_messages: int  # those that are switched on
    device_information_status: int | None
    device_password_status: int | None
    user_information_status: int | None
    accounts: int
    addresses: int
    rights_management_status: int | None
    templates: int
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "Settings"


def read_request(body: bytes, *_ignored: object) -> SettingsRequest | None:
    """The request in a body; None when the body is not a Settings."""
    found = tree.read(body, SETTINGS)
    if found is None:
        return None
    oof = found.child(found.root, OOF)
    device = found.child(found.root, DEVICE_INFORMATION)
    return SettingsRequest(
        get_oof=found.child(oof, GET) is not None,
        set_oof=found.child(oof, SET) is not None,
        oof_state=found.number(oof, SET, OOF_STATE),
        device_traits=device_traits(device),
        outbound_sms=found.flag(found.child(device, SET), ENABLE_OUTBOUND_SMS),
        device_password=found.child(found.root, DEVICE_PASSWORD) is not None,
        get_user_information=found.child(found.root, USER_INFORMATION) is not None,
        get_rights_management=found.child(found.root, RIGHTS_MANAGEMENT) is not None,
        complete=found.complete,
        oddities=found.oddities,
    )


def read_response(body: bytes, *_ignored: object) -> SettingsResponse | None:
    """The response in a body; None when the body is not a Settings."""
    found = tree.read(body, SETTINGS)
    if found is None:
        return None
    root = found.root
    oof = found.child(root, OOF, GET)
    user = found.child(root, USER_INFORMATION)
    rights = found.child(root, RIGHTS_MANAGEMENT)
    return SettingsResponse(
        status=found.number(root, STATUS),
        oof_status=found.number(root, OOF, STATUS),
        oof_state=found.number(oof, OOF_STATE),
        oof_messages=sum(found.flag(message, ENABLED) for message in found.children(oof, OOF_MESSAGE)),
        device_information_status=found.number(root, DEVICE_INFORMATION, STATUS),
        device_password_status=found.number(root, DEVICE_PASSWORD, STATUS),
        user_information_status=found.number(user, STATUS),
        accounts=sum(1 for _ in found.below(user, ACCOUNT)),
        addresses=sum(1 for _ in found.below(user, SMTP_ADDRESS, PRIMARY_SMTP_ADDRESS)),
        rights_management_status=found.number(rights, STATUS),
        templates=sum(1 for _ in found.below(rights, TEMPLATE)),
        complete=found.complete,
        oddities=found.oddities,
    )


def device_traits(information: Element | None) -> tuple[str, ...]:
    """The names of what a DeviceInformation sets, in the order sent."""
    for action in information.children if information else ():
        if action.key == SET:
            return tuple([trait.name for trait in action.children if trait.literal is None])
    return ()
