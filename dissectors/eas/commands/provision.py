"""Provision: how a device gets the policy that it must enforce, says that it does, and learns that it must wipe itself.

Specification: MS-ASPROV 2.2.2, 3.1.5.1. Two rounds: the policy with a temporary key, then its acknowledgement, which is
answered with the final key. An empty request asks after a 449 or 403 whether a wipe is wanted; the device acknowledges
that, too. Before 12.0 the policy is an XML text inside the answer, from 12.0 on it is elements; from 14.1 on the first
request tells about the device.

What leaves here of a policy are its rules with their numbers, as they explain what a device does. Left out as secrets
are the policy keys, the XML of 2.5, and the names and hashes of applications.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.commands.settings import DEVICE_INFORMATION, device_traits
from dissectors.eas.oddity import Oddity
from dissectors.eas.privacy import kind_of
from dissectors.eas.wbxml import Element

PROVISION = key("Provision:Provision")
STATUS = key("Provision:Status")
POLICIES = key("Provision:Policies")
POLICY = key("Provision:Policy")
POLICY_TYPE = key("Provision:PolicyType")
POLICY_KEY = key("Provision:PolicyKey")
DATA = key("Provision:Data")
DOCUMENT = key("Provision:EASProvisionDoc")
APPLICATIONS = frozenset((key("Provision:UnapprovedInROMApplicationList"), key("Provision:ApprovedApplicationList")))
REMOTE_WIPE = key("Provision:RemoteWipe")
ACCOUNT_ONLY_REMOTE_WIPE = key("Provision:AccountOnlyRemoteWipe")
DEVICE_STATUS = key("Settings:Status")


class PolicyRequest(NamedTuple):
    """A policy that a device asks for, or acknowledges."""

    policy_type: str | None  # "MS-EAS-Provisioning-WBXML", before 12.0 "MS-WAP-Provisioning-XML"
    acknowledged: int | None  # see status.BY_PART; None: it asks
    policy_key_set: bool


class PolicyRule(NamedTuple):
    """A rule of a policy."""

    name: str  # its tag, "DevicePasswordEnabled"
    value: int | None  # None: not limited; of a list of applications their number


class PolicyResponse(NamedTuple):
    """A policy that a server gives."""

    policy_type: str | None
    status: int | None
    policy_key_set: bool
    rules: tuple[PolicyRule, ...]  # none in the XML of 2.5 and in the second round
    data_bytes: int | None  # of the policy in the body; None: only a key came


class ProvisionRequest(NamedTuple):
    """Asks for a policy, or acknowledges one or a wipe. Empty: asks whether a wipe is wanted."""

    policies: tuple[PolicyRequest, ...]
    wipe_acknowledged: int | None  # see status.BY_PART
    account_wipe_acknowledged: int | None
    device_traits: tuple[str, ...]  # which it tells about itself, not what; from 14.1 on
    empty: bool
    complete: bool
    oddities: tuple[Oddity, ...]


class ProvisionResponse(NamedTuple):
    """Gives a policy, a key, or the order to wipe."""

    status: int | None
    policies: tuple[PolicyResponse, ...]
    remote_wipe: bool  # the whole device
    account_only_remote_wipe: bool  # 16.1
    device_information_status: int | None
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "Provision"


def read_request(body: bytes, *_ignored: object) -> ProvisionRequest | None:
    """The request in a body; None when the body is not a Provision."""
    if not body:
        return ProvisionRequest(
            policies=(),
            wipe_acknowledged=None,
            account_wipe_acknowledged=None,
            device_traits=(),
            empty=True,
            complete=True,
            oddities=(),
        )
    found = tree.read(body, PROVISION)
    if found is None:
        return None
    root = found.root
    policies = found.children(found.child(root, POLICIES), POLICY)
    return ProvisionRequest(
        policies=tuple(
            [
                PolicyRequest(found.text(policy, POLICY_TYPE), found.number(policy, STATUS), _has_key(found, policy))
                for policy in policies
            ]
        ),
        wipe_acknowledged=found.number(root, REMOTE_WIPE, STATUS),
        account_wipe_acknowledged=found.number(root, ACCOUNT_ONLY_REMOTE_WIPE, STATUS),
        device_traits=device_traits(found.child(root, DEVICE_INFORMATION)),
        empty=False,
        complete=found.complete,
        oddities=found.oddities,
    )


def read_response(body: bytes, *_ignored: object) -> ProvisionResponse | None:
    """The response in a body; None when the body is not a Provision."""
    found = tree.read(body, PROVISION)
    if found is None:
        return None
    root = found.root
    policies = found.children(found.child(root, POLICIES), POLICY)
    return ProvisionResponse(
        status=found.number(root, STATUS),
        policies=tuple(
            [
                PolicyResponse(
                    found.text(policy, POLICY_TYPE),
                    found.number(policy, STATUS),
                    _has_key(found, policy),
                    _rules(found, policy),
                    tree.size(found.child(policy, DATA)),
                )
                for policy in policies
            ]
        ),
        remote_wipe=found.child(root, REMOTE_WIPE) is not None,
        account_only_remote_wipe=found.child(root, ACCOUNT_ONLY_REMOTE_WIPE) is not None,
        device_information_status=found.number(root, DEVICE_INFORMATION, DEVICE_STATUS),
        complete=found.complete,
        oddities=found.oddities,
    )


def _has_key(found: tree.Tree, policy: Element) -> bool:
    return bool(found.text(policy, POLICY_KEY))


def _rules(found: tree.Tree, policy: Element) -> tuple[PolicyRule, ...]:
    document = found.child(policy, DATA, DOCUMENT)
    rules = []
    for rule in document.children if document else ():
        if rule.key in APPLICATIONS:
            rules.append(PolicyRule(rule.name, len(rule.children)))
        elif kind_of(rule.page, rule.token) == "open":
            # "-1" is "no limit" in MaxEmailBodyTruncationSize (MS-ASPROV); some servers send it elsewhere, too.
            unlimited = (rule.text or "").strip() == "-1"
            rules.append(PolicyRule(rule.name, None if unlimited else found.number_in(rule)))
    return tuple(rules)
