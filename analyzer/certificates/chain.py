"""From the certificates that a server sent to a root, or to where that breaks off (RFC 5280 6, RFC 4158).

First `cryptography` verifies as a browser of today would. Where it refuses, which it does for many reasons, the chain
is walked here by names and signatures alone, to see how far it leads:

    complete              to a root that is known everywhere
    self_signed           nowhere: the server's certificate vouches for itself
    unknown_root          to a root that was sent and is not known everywhere, or to an issuer that seems to be one
    missing_intermediate  to an issuer that is no root and was not sent

Whether an issuer that nobody has seen is a root or an intermediate cannot be known for certain. It is an intermediate
if some server of the capture sent its certificate and that is no root; most likely if the certificate that it issued is
publicly trusted, because roots issue none of those; and perhaps if that certificate says where its issuer's can be had.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.x509 import DNSName
from cryptography.x509.verification import PolicyBuilder, VerificationError

from analyzer.certificates import old_signatures
from analyzer.certificates.reading import UNREADABLE, Certificate
from analyzer.certificates.roots import Roots

CHECKS_LIMIT: Final = 32  # signatures that are verified for one chain
LENGTH_LIMIT: Final = 10  # certificates of a chain that are looked at

End = Literal["complete", "missing_intermediate", "self_signed", "unknown_root"]
Grade = Literal["proven", "likely", "possible"]

Elsewhere: TypeAlias = Mapping[bytes, Sequence[Certificate]]  # by subject


class Built(NamedTuple):
    """A chain, as far as it leads."""

    end: End
    grade: Grade  # how sure that is
    path: tuple[Certificate, ...]  # server's first, a root that is known everywhere left out
    root: str  # name of the root, or of the issuer at which it breaks off


def build(sent: Sequence[Certificate], roots: Roots, when_ns: int, elsewhere: Elsewhere | None = None) -> Built:
    """The chain of `sent[0]`. `elsewhere`: authorities whose certificates other servers sent."""
    sent = sent[:LENGTH_LIMIT]
    return _verified(sent, roots, when_ns) or _walked(sent, roots, when_ns, elsewhere or {})


def _verified(sent: Sequence[Certificate], roots: Roots, when_ns: int) -> Built | None:
    """What `cryptography` makes of it; None: it refuses."""
    leaf = sent[0]
    host = next(iter(leaf.names), "").replace("*", "any", 1)  # whether it is the right host is not asked here
    known = {one.parsed: one for one in sent}
    try:
        anchors = roots.store(name for one in sent for name in (one.issuer_der, one.subject_der))
        policy = PolicyBuilder().store(anchors).time(datetime.fromtimestamp(when_ns // 10**9, UTC))
        verifier = policy.build_server_verifier(DNSName(host))
        chain = verifier.verify(leaf.parsed, [one.parsed for one in sent[1:]])
    except (VerificationError, *UNREADABLE):
        return None
    path = tuple(known[one] for one in chain[:-1]) or (leaf,)  # a root may be a server's certificate itself
    return Built("complete", "proven", path, path[-1].issuer_label)


def _walked(sent: Sequence[Certificate], roots: Roots, when_ns: int, elsewhere: Elsewhere) -> Built:
    """Breadth first, so that the shortest way is found; certificates that are valid at that time before others."""
    others = sorted(sent[1:], key=lambda one: not one.not_before_ns <= when_ns <= one.not_after_ns)
    check = _Checks()
    queue: deque[tuple[Certificate, ...]] = deque([(sent[0],)])
    ends: list[Built] = []
    seen = {sent[0]}
    while queue:
        path = queue.popleft()
        last = path[-1]
        if any(check(last, root) for root in roots.named(last.issuer_der)):
            # the root itself may have been sent, too
            path = path[:-1] if last.self_issued and len(path) > 1 else path
            return Built("complete", "proven", path, last.issuer_label)
        if last.self_issued and check(last, last):
            ends.append(Built("self_signed" if len(path) == 1 else "unknown_root", "proven", path, last.label))
            continue
        found = [one for one in others if one not in seen and one.is_ca and check(last, one)]
        seen.update(found)
        queue.extend((*path, one) for one in found)
        if not found:
            issuers = [one for one in elsewhere.get(last.issuer_der, ()) if one not in seen]
            ends.append(_broken_off(path, issuers, check))
    return max(ends, key=lambda built: len(built.path))


def _broken_off(path: tuple[Certificate, ...], elsewhere: Sequence[Certificate], check: _Checks) -> Built:
    last = path[-1]
    issuers = [one for one in elsewhere if check(last, one)]
    name = last.issuer_label
    if issuers:
        root = all(one.self_issued for one in issuers)
        return Built("unknown_root" if root else "missing_intermediate", "proven", path, name)
    if path[0].public:
        return Built("missing_intermediate", "likely", path, name)
    if last.fetch_url:
        return Built("missing_intermediate", "possible", path, name)
    return Built("unknown_root", "likely", path, name)


class _Checks:
    """Verifies who issued what, so many times and no more: signatures are what costs time here."""

    def __init__(self) -> None:
        self._left = CHECKS_LIMIT

    def __call__(self, certificate: Certificate, issuer: Certificate) -> bool:
        if certificate.issuer_der != issuer.subject_der or not self._left:
            return False
        self._left -= 1
        try:
            if old_signatures.is_old(certificate.signature):
                return old_signatures.fits(certificate.parsed, issuer.parsed, certificate.signature)
            certificate.parsed.verify_directly_issued_by(issuer.parsed)
        except (InvalidSignature, *UNREADABLE):
            return False
        return True
