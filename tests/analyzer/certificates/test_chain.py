"""How far chains lead. The foreign truth is `openssl verify`: it accepts and refuses the same chains, for the same
reason, at the time of the capture."""

import datetime
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import which

import pytest

from analyzer.certificates.chain import LENGTH_LIMIT, build
from analyzer.certificates.judging import problems
from tests.analyzer.certificates.authority import LATER, NOW, NOW_NS, START, URL, Issued, root, roots, self_signed

HOST = "mail.test"
DAY = datetime.timedelta(days=1)

PUBLIC = root("Public Root")
OWN = root("Company Root")
MIDDLE = PUBLIC.below("Middle", url="http://authority.test/root.cer")
OWN_MIDDLE = OWN.below("Company Middle")
RSA_MIDDLE = PUBLIC.below("Middle of 2010", rsa_bits=2048)
LEAF = MIDDLE.server(HOST, url=URL, public=True)
OLD_MIDDLE = PUBLIC.below("Middle", end=NOW - DAY)  # the same key, renewed since
CROSS = OWN.below("Public Root")  # the public root's name and key, vouched for by another root

OK, EXPIRED, NOT_YET, SELF_SIGNED, ROOT_IN_CHAIN, NO_ISSUER, WRONG_NAME, WEAK_KEY, WEAK_HASH = (
    0, 10, 9, 18, 19, 20, 62, 66, 68,
)  # fmt: skip


@dataclass(frozen=True)
class Chain:
    """What a server sent, what is wrong with it, and what `openssl verify` says of it."""

    sent: Sequence[Issued]
    end: str
    kinds: list[str]
    openssl: int  # its error; 0: none
    options: tuple[str, ...] = field(default=())


CHAINS = {
    "whole": Chain([LEAF, MIDDLE], "complete", [], OK),
    "whole, with the root": Chain([LEAF, MIDDLE, PUBLIC], "complete", [], OK),
    "issued by the root": Chain([PUBLIC.server(HOST)], "complete", [], OK),
    "out of order": Chain([LEAF, PUBLIC, OWN_MIDDLE, MIDDLE], "complete", [], OK),
    "with a root that is vouched for by another": Chain([LEAF, MIDDLE, CROSS], "complete", [], OK),
    "with the intermediate twice, one expired": Chain([LEAF, OLD_MIDDLE, MIDDLE], "complete", [], OK),
    "without the intermediate": Chain([LEAF], "missing_intermediate", ["missing_intermediate"], NO_ISSUER),
    "with the wrong intermediate": Chain(
        [LEAF, OWN_MIDDLE], "missing_intermediate", ["missing_intermediate"], NO_ISSUER
    ),
    "self-signed": Chain([self_signed(HOST)], "self_signed", ["self_signed"], SELF_SIGNED),
    "with a root of its own": Chain(
        [OWN_MIDDLE.server(HOST), OWN_MIDDLE, OWN], "unknown_root", ["unknown_root"], ROOT_IN_CHAIN
    ),
    "with a root of its own that is not sent": Chain([OWN.server(HOST)], "unknown_root", ["unknown_root"], NO_ISSUER),
    "expired": Chain([MIDDLE.server(HOST, end=NOW - DAY), MIDDLE], "complete", ["expired"], EXPIRED),
    "not yet valid": Chain([MIDDLE.server(HOST, start=NOW + DAY), MIDDLE], "complete", ["not_yet_valid"], NOT_YET),
    "with an expired intermediate": Chain([LEAF, OLD_MIDDLE], "complete", ["expired"], EXPIRED),
    "for another name": Chain([MIDDLE.server("web.test"), MIDDLE], "complete", ["name_mismatch"], WRONG_NAME),
    "for a wildcard": Chain(
        [MIDDLE.server("web.test", (f"*.{HOST}",)), MIDDLE], "complete", ["name_mismatch"], WRONG_NAME
    ),
    "with a name only as common name": Chain([MIDDLE.server(HOST, ()), MIDDLE], "complete", ["common_name_only"], OK),
    "with a short key": Chain(
        [MIDDLE.server(HOST, rsa_bits=1024), MIDDLE], "complete", ["weak_key"], WEAK_KEY, ("-auth_level", "2")
    ),
    "with a short key in the intermediate": Chain(
        [PUBLIC.below("Short", rsa_bits=1024).server(HOST), PUBLIC.below("Short", rsa_bits=1024)],
        "complete",
        ["weak_key"],
        67,
        ("-auth_level", "2"),
    ),
    "signed with SHA-1": Chain(
        [RSA_MIDDLE.server(HOST, old_hash="sha1"), RSA_MIDDLE],
        "complete",
        ["weak_signature"],
        WEAK_HASH,
        ("-auth_level", "2"),
    ),
    "signed with MD5": Chain(
        [RSA_MIDDLE.server(HOST, old_hash="md5"), RSA_MIDDLE],
        "complete",
        ["weak_signature"],
        WEAK_HASH,
        ("-auth_level", "1"),
    ),
}


def openssl(chain: Chain, folder: Path) -> int:
    """The error that `openssl verify` ends with."""
    program = which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    (folder / "root.pem").write_bytes(PUBLIC.pem)
    (folder / "leaf.pem").write_bytes(chain.sent[0].pem)
    (folder / "rest.pem").write_bytes(b"".join(one.pem for one in chain.sent[1:]))
    command = [program, "verify", "-attime", str(int(NOW.timestamp())), "-no-CApath", "-no-CAstore"]
    command += ["-CAfile", "root.pem", "-purpose", "sslserver", "-verify_hostname", HOST, *chain.options]
    command += ["-untrusted", "rest.pem"] if chain.sent[1:] else []
    done = subprocess.run([*command, "leaf.pem"], cwd=folder, capture_output=True, text=True, check=False, timeout=20)
    found = re.search(r"^error (\d+) at", done.stdout + done.stderr, re.MULTILINE)
    assert (done.returncode == 0) == (found is None), done
    return int(found[1]) if found else 0


@pytest.mark.parametrize("what", CHAINS)
def test_a_chain_ends_where_it_ends_and_openssl_says_the_same(what: str, tmp_path: Path) -> None:
    chain = CHAINS[what]
    built = build([one.known for one in chain.sent], roots(PUBLIC), NOW_NS)
    assert built.end == chain.end
    assert [problem.kind for problem in problems(built, len(chain.sent), HOST, NOW_NS, NOW_NS)] == chain.kinds
    assert openssl(chain, tmp_path) == chain.openssl


def test_the_shortest_way_to_a_root_is_taken() -> None:
    built = build([LEAF.known, MIDDLE.known, CROSS.known, OWN.known], roots(PUBLIC), NOW_NS)
    assert ([one.label for one in built.path], built.root) == (["mail.test", "Middle"], "Public Root")


def test_certificates_that_are_not_needed_do_not_matter() -> None:
    gone = OWN.below("Public Root", end=NOW - DAY)  # as AddTrust's in May 2020
    built = build([LEAF.known, MIDDLE.known, gone.known], roots(PUBLIC), NOW_NS)
    assert problems(built, 3, HOST, NOW_NS, NOW_NS) == []


def test_how_sure_it_is_that_an_intermediate_is_missing() -> None:
    marked, linked, plain = MIDDLE.server(HOST, public=True), MIDDLE.server(HOST, url=URL), MIDDLE.server(HOST)
    known = {MIDDLE.known.subject_der: [MIDDLE.known]}
    ends = [build([leaf.known], roots(PUBLIC), NOW_NS)[:2] for leaf in (marked, linked, plain)]
    assert ends == [
        ("missing_intermediate", "likely"),
        ("missing_intermediate", "possible"),
        ("unknown_root", "likely"),
    ]
    assert build([plain.known], roots(PUBLIC), NOW_NS, known)[:2] == ("missing_intermediate", "proven")


def test_an_issuer_that_another_server_sent_as_root_is_no_missing_intermediate() -> None:
    known = {OWN.known.subject_der: [OWN.known]}
    built = build([OWN.server(HOST, url=URL).known], roots(PUBLIC), NOW_NS, known)
    assert built[:2] == ("unknown_root", "proven")


def test_a_name_alone_makes_no_issuer() -> None:
    impostor = root("Middle", key_name="somebody else")
    assert build([LEAF.known, impostor.known], roots(PUBLIC), NOW_NS).end == "missing_intermediate"
    fake_root = root("Public Root", key_name="somebody else")
    leaf = fake_root.server(HOST)
    assert build([leaf.known, fake_root.known], roots(PUBLIC), NOW_NS).end == "unknown_root"


def test_a_servers_certificate_issues_no_others() -> None:
    server = PUBLIC.server("web.test")
    forged = type(PUBLIC)(server.certificate, server.key).server(HOST)
    assert build([forged.known, server.known], roots(PUBLIC), NOW_NS).end != "complete"


def test_long_chains_of_the_same_names_end_soon() -> None:
    ring = [root("Ring", key_name=f"ring {number}", end=LATER).below("Ring", key_name="ring") for number in range(40)]
    leaf = ring[0].server(HOST, start=START)
    built = build([leaf.known, *(one.known for one in ring)], roots(PUBLIC), NOW_NS)
    assert built.end == "unknown_root"
    assert len(built.path) <= LENGTH_LIMIT


def test_a_servers_certificate_may_be_a_root_itself() -> None:
    own = self_signed(HOST)
    built = build([own.known], roots(own), NOW_NS)
    assert (built.end, [one.label for one in built.path]) == ("complete", [HOST])
