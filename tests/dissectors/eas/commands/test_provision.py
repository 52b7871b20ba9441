"""Provision: the two rounds, the wipes, and that keys and policy texts stay behind."""

from dissectors.eas.commands import provision
from dissectors.eas.commands.provision import PolicyRequest, PolicyResponse, PolicyRule
from dissectors.eas.wbxml_encode import element, encode

# After the example of MS-ASPROV 4.1: the device asks for a policy.
ASKS = (
    b"\x03\x01\x6a\x00"  # WBXML 1.3, no public identifier, UTF-8, no string table
    b"\x00\x0e"  # page Provision
    b"\x45"  # <Provision>
    b"\x46\x47"  # <Policies><Policy>
    b"\x48\x03MS-EAS-Provisioning-WBXML\x00\x01"  # PolicyType
    b"\x01\x01\x01"
)
# ... and the server gives it, with a temporary key.
GIVES = (
    b"\x03\x01\x6a\x00\x00\x0e"
    b"\x45"  # <Provision>
    b"\x4b\x031\x00\x01"  # Status
    b"\x46\x47"  # <Policies><Policy>
    b"\x48\x03MS-EAS-Provisioning-WBXML\x00\x01"
    b"\x4b\x031\x00\x01"  # Status
    b"\x49\x031307199584\x00\x01"  # PolicyKey
    b"\x4a\x4d"  # <Data><EASProvisionDoc>
    b"\x4e\x031\x00\x01"  # DevicePasswordEnabled
    b"\x54\x034\x00\x01"  # MinDevicePasswordLength
    b"\x17"  # MaxAttachmentSize, empty: not limited
    b"\x6b\x03-1\x00\x01"  # MaxEmailBodyTruncationSize: not limited
    b"\x79\x7a\x03c0ffee\x00\x01\x7a\x03bad\x00\x01\x01"  # ApprovedApplicationList { Hash, Hash }
    b"\x01\x01\x01\x01\x01"
)


def test_a_device_asks_for_a_policy() -> None:
    found = provision.read_request(ASKS)
    assert found is not None
    assert found.policies == (PolicyRequest("MS-EAS-Provisioning-WBXML", None, False),)
    assert (found.empty, found.complete, found.device_traits, found.oddities) == (False, True, (), ())


def test_a_server_gives_rules_and_a_key_that_stays_behind() -> None:
    found = provision.read_response(GIVES)
    assert found is not None
    (policy,) = found.policies
    assert policy.rules == (
        PolicyRule("DevicePasswordEnabled", 1),
        PolicyRule("MinDevicePasswordLength", 4),
        PolicyRule("MaxAttachmentSize", None),
        PolicyRule("MaxEmailBodyTruncationSize", None),
        PolicyRule("ApprovedApplicationList", 2),
    )
    assert (found.status, policy.status, policy.policy_key_set) == (1, 1, True)
    assert policy.data_bytes == len(GIVES) - 3 - GIVES.index(b"\x4a\x4d")  # up to three END
    for secret in ("1307199584", "c0ffee", "bad"):
        assert secret not in repr(found)


def test_the_text_of_a_policy_of_2_5_is_only_counted() -> None:
    text = "<wap-provisioningdoc><characteristic type='SecurityPolicy'><parm name='4131' value='0'/>"
    body = element(
        "Provision:Provision",
        element("Provision:Policies", element("Provision:Policy", element("Provision:Data", text))),
    )
    found = provision.read_response(encode(body))
    assert found is not None
    assert found.policies == (PolicyResponse(None, None, False, (), len(text) + 4),)


def test_an_acknowledgement_says_what_was_done() -> None:
    policy = element("Provision:Policy", element("Provision:PolicyKey", 99), element("Provision:Status", 2))
    found = provision.read_request(encode(element("Provision:Provision", element("Provision:Policies", policy))))
    assert found is not None
    assert found.policies == (PolicyRequest(None, 2, True),)


def test_from_14_1_on_a_device_says_what_it_is() -> None:
    traits = element("Settings:Set", element("Settings:Model", "SmartPhone"), element("Settings:IMEI", "3544"))
    body = encode(element("Provision:Provision", element("Settings:DeviceInformation", traits)))
    found = provision.read_request(body)
    assert found is not None
    assert found.device_traits == ("Model", "IMEI")
    assert "3544" not in repr(found)
    answer = element("Provision:Provision", element("Settings:DeviceInformation", element("Settings:Status", 1)))
    answered = provision.read_response(encode(answer))
    assert answered is not None
    assert answered.device_information_status == 1


def test_a_wipe_is_asked_for_by_nothing_ordered_by_a_tag_and_acknowledged_by_a_status() -> None:
    asked = provision.read_request(b"")
    assert asked is not None
    assert asked.empty
    for tag in ("RemoteWipe", "AccountOnlyRemoteWipe"):
        ordered = provision.read_response(encode(element("Provision:Provision", element(f"Provision:{tag}"))))
        assert ordered is not None
        assert (ordered.remote_wipe, ordered.account_only_remote_wipe) == (
            tag == "RemoteWipe",
            tag == "AccountOnlyRemoteWipe",
        )
        status = element(f"Provision:{tag}", element("Provision:Status", 2))
        done = provision.read_request(encode(element("Provision:Provision", status)))
        assert done is not None
        assert 2 in (done.wipe_acknowledged, done.account_wipe_acknowledged)


def test_a_rule_that_holds_no_number_is_noted() -> None:
    body = GIVES.replace(b"\x4e\x031\x00", b"\x4e\x03x\x00")
    found = provision.read_response(body)
    assert found is not None
    assert found.policies[0].rules[0] == PolicyRule("DevicePasswordEnabled", None)
    assert [oddity.code for oddity in found.oddities] == ["eas_bad_number"]
