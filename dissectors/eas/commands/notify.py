"""Notify: the device tells the server where to send its triggers, before there was Direct Push (AUTD of 2.0).

Specification: none that is public; MS-ASWBXML only still lists the page AirNotify. The tags are those of other
implementations; where they stand is read from what they are named, so they are looked for on every level. The address
of the device, a phone's number in a mail domain of its carrier, stays behind.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity

NOTIFY = key("AirNotify:Notify")
STATUS = key("AirNotify:Status")
ENABLE = key("AirNotify:Enable")
LIFETIME = key("AirNotify:Lifetime")
SERVER_ID = key("AirNotify:ServerId")
DEVICE_ADDRESS = key("AirNotify:DeviceAddress")
CARRIER_PROFILE = key("AirNotify:CarrierProfile")
VALID_CARRIER_PROFILES = key("AirNotify:ValidCarrierProfiles")
DEVICE = key("AirNotify:Device")


class NotifyRequest(NamedTuple):
    """Which folders shall trigger the device, and how it is reached."""

    enable: bool | None  # None: not said
    folder_ids: tuple[str, ...]
    lifetime: int | None  # of the registration; its unit is not known
    device_address: bool  # it says where to send triggers
    carrier_profile: bool
    complete: bool
    oddities: tuple[Oddity, ...]


class NotifyResponse(NamedTuple):
    """The result."""

    status: int | None
    carrier_profiles: bool  # the server lists those that it can use
    devices: int
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "Notify"


def read_request(body: bytes, *_ignored: object) -> NotifyRequest | None:
    """The request in a body; None when the body is not a Notify."""
    found = tree.read(body, NOTIFY)
    if found is None:
        return None
    enable = next(found.below(found.root, ENABLE), None)
    return NotifyRequest(
        enable=None if enable is None else (enable.text or "").strip() != "0",
        folder_ids=found.texts(found.root, SERVER_ID),
        lifetime=found.number_in(next(found.below(found.root, LIFETIME), None)),
        device_address=any(found.texts(found.root, DEVICE_ADDRESS)),
        carrier_profile=any(found.texts(found.root, CARRIER_PROFILE)),
        complete=found.complete,
        oddities=found.oddities,
    )


def read_response(body: bytes, *_ignored: object) -> NotifyResponse | None:
    """The response in a body; None when the body is not a Notify."""
    found = tree.read(body, NOTIFY)
    if found is None:
        return None
    profiles = next(found.below(found.root, VALID_CARRIER_PROFILES), None)
    return NotifyResponse(
        status=found.number_in(next(found.below(found.root, STATUS), None)),
        carrier_profiles=profiles is not None and bool(profiles.children or profiles.text),
        devices=sum(1 for _ in found.below(found.root, DEVICE)),
        complete=found.complete,
        oddities=found.oddities,
    )
