"""Real handshakes, recorded: OpenSSL's client looks at the chain that OpenSSL's server shows it, and refuses or does
not. What is found is what the client said.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import pytest

import analyzer
from analyzer.tables import read
from dissectors.events import CLIENT
from tests.analyzer.certificates.authority import Issued, root, roots
from tests.support.tls_recording.packets import packets, write_pcap
from tests.support.tls_recording.recorder import Ends, Recorder, Scenario, Unavailable, Visit, exchange
from tests.support.tls_recording.relay import Conversation
from tests.support.tls_recording.suites import suite

HOST = "mail.test"
TODAY = datetime.datetime.now(tz=datetime.UTC)
YEAR = datetime.timedelta(days=365)
OLD, NEW = {"start": TODAY - 3 * YEAR, "end": TODAY - YEAR}, {"start": TODAY - YEAR, "end": TODAY + YEAR}

PUBLIC = root("Public Root", **NEW)
OWN = root("Company Root", **NEW)
MIDDLE = PUBLIC.below("Middle", **NEW)
LEAF = MIDDLE.server(HOST, public=True, **NEW)
SUITES = {
    "1.0": ("tls1", "ECDHE-ECDSA-AES128-SHA"),
    "1.2": ("tls1_2", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    "1.3": ("tls1_3", "TLS_AES_128_GCM_SHA256"),
}


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    if which("openssl") is None:
        pytest.skip("openssl is not installed")
    with Recorder(tmp_path_factory.mktemp("certificates")) as recorder:
        yield recorder


@pytest.fixture(autouse=True)
def known_roots(monkeypatch: pytest.MonkeyPatch) -> None:
    """PUBLIC is the one root that is known everywhere."""
    known = roots(PUBLIC)
    monkeypatch.setattr("analyzer.certificates.rows.public_roots", lambda: known)


@dataclass
class Show:
    """Makes a server show a chain to clients, and analyses what was recorded."""

    recorder: Recorder
    folder: Path

    def __call__(
        self,
        *sent: Issued,
        version: str = "1.2",
        trusts: Issued = PUBLIC,
        client: tuple[str, ...] = (),
        server: tuple[str, ...] = (),
        accepted: bool = False,
        keys: bool = False,
        visits: int = 1,
        silent: bool = False,
    ) -> Any:
        """`silent`: clients that refuse do so without an alert, as Windows Mobile does."""
        one = suite(*SUITES[version])
        if one is None:
            pytest.skip(f"this OpenSSL has no suite for {version}")
        leaf, rest, trusted = (self.folder / f"{name}.pem" for name in ("leaf", "rest", "trusted"))
        leaf.write_bytes(sent[0].key_pem + sent[0].pem)
        rest.write_bytes(b"".join(each.pem for each in sent[1:]))
        trusted.write_bytes(trusts.pem)
        shows = ("-cert", str(leaf), *(("-cert_chain", str(rest)) if sent[1:] else ()))
        talk = exchange("certificates") if accepted else (Ends(),)
        scenario = Scenario(
            name=str(self.folder),
            suite=one,
            server=(*shows, *server),
            client=("-CAfile", str(trusted), "-verify_return_error", "-verify_hostname", HOST, *client),
            identity="ecdsa",
            visits=tuple(Visit(talk=talk) for _ in range(visits)),
        )
        try:
            recording = self.recorder.record(scenario)
        except Unavailable as lack:
            pytest.skip(str(lack))
        told = [without_alert(each) if silent else each for each in recording.conversations]
        capture = write_pcap(self.folder / "capture.pcap", [packets(each) for each in told])
        keylog = self.folder / "keys"
        keylog.write_bytes(recording.keylog)
        return analyzer.analyze([capture], keylog=[keylog] if keys else [])


def without_alert(conversation: Conversation) -> Conversation:
    """The client's FIN stands where its record of type 21 stood in clear."""
    (place,) = [at for at, note in enumerate(conversation.notes) if note.side == CLIENT and note.data[:1] == b"\x15"]
    before, alert, after = conversation.notes[:place], conversation.notes[place], conversation.notes[place + 1 :]
    left = alert._replace(what="fin", data=b"")
    return Conversation((*before, left, *(note for note in after if note.side != CLIENT)))


@pytest.fixture
def show(recorder: Recorder, tmp_path: Path) -> Show:
    return Show(recorder, tmp_path)


def row(analysis: Any) -> dict[str, Any]:
    (only,) = read.rows(analysis.certificates)
    return only


def found(analysis: Any) -> dict[str, dict[str, Any]]:
    """The findings about certificates, by code."""
    return {each["code"]: each for each in read.rows(analysis.findings) if each["code"].startswith("DP14")}


REFUSED = {  # what the server shows, what the client trusts; the code, the alert, the problem
    "without the intermediate": ((LEAF,), PUBLIC, "DP140", 48, "missing_intermediate"),
    "of a root that the client does not have": (
        (OWN.server(HOST, **NEW),), PUBLIC, "DP141", 48, "unknown_root",
    ),
    "of a root that is sent and that the client does not have": (
        (OWN.server(HOST, **NEW), OWN), PUBLIC, "DP141", 48, "unknown_root",
    ),
    "expired": ((MIDDLE.server(HOST, **OLD), MIDDLE), PUBLIC, "DP143", 45, "expired"),
    "not yet valid": (
        (MIDDLE.server(HOST, start=TODAY + YEAR, end=TODAY + 2 * YEAR), MIDDLE), PUBLIC, "DP143", 42, "not_yet_valid",
    ),
    "for another name": ((MIDDLE.server("web.test", **NEW), MIDDLE), PUBLIC, "DP142", 42, "name_mismatch"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_client_that_refuses_is_believed(show: Show, what: str) -> None:
    sent, trusts, code, alert, kind = REFUSED[what]
    analysis = show(*sent, trusts=trusts)
    seen = row(analysis)
    assert [one["kind"] for one in seen["problems"]] == [kind]
    assert [(one["alert"], one["times"]) for one in seen["client_alerts"]] == [(alert, 1)]
    assert (seen["chain_length"], seen["refusals"], seen["abandoned"]) == (len(sent), 1, 0)
    (finding,) = found(analysis).values()
    assert (finding["code"], finding["severity"]) == (code, "warning")
    assert f"the only connection with alert {alert} " in finding["detail"]
    assert list(finding["frames"]) == seen["frames"]
    (link,) = read.rows(analysis.connections)
    assert link["first_frame"] < seen["frames"][0] <= link["last_frame"]


def test_the_frame_that_is_named_carries_the_alert(show: Show) -> None:
    analysis = show(LEAF)
    (frame,) = row(analysis)["frames"]
    data = (show.folder / "capture.pcap").read_bytes()[24:]
    for _ in range(frame - 1):
        data = data[16 + int.from_bytes(data[8:12], "little") :]
    packet = data[16 : 16 + int.from_bytes(data[8:12], "little")]
    assert packet.endswith(bytes((2, 48)))
    assert packet[-7] == 21


def test_several_refusals_are_one_finding(show: Show) -> None:
    analysis = show(LEAF, visits=3)
    assert (row(analysis)["connections"], row(analysis)["refusals"]) == (3, 3)
    (finding,) = found(analysis).values()
    assert "Clients refused it in all 3 connections with alert 48 (unknown_ca), see frames" in finding["detail"]
    assert '"Middle"' in finding["advice"]


@pytest.mark.parametrize("version", ["1.0", "1.2", "1.3"])
def test_a_good_chain_is_not_spoken_of(show: Show, version: str) -> None:
    analysis = show(LEAF, MIDDLE, version=version, accepted=True, keys=True)
    seen = row(analysis)
    assert (seen["chain"], seen["problems"], seen["chain_length"], seen["refusals"]) == ("complete", [], 2, 0)
    assert seen["fingerprint"] == LEAF.known.fingerprint
    assert list(found(analysis)) == (["DP146"] if version == "1.0" else [])


def test_a_root_of_ones_own_is_no_fault_where_clients_accept_it(show: Show) -> None:
    analysis = show(OWN.server(HOST, **NEW), trusts=OWN, accepted=True)
    (finding,) = found(analysis).values()
    assert (finding["code"], finding["severity"]) == ("DP141", "info")
    assert "No client refused it" in finding["detail"]


def test_with_tls_13_and_no_key_the_alert_is_all_there_is(show: Show) -> None:
    analysis = show(LEAF, version="1.3")
    seen = row(analysis)
    assert (seen["chain"], seen["subject"], seen["chain_length"], seen["refusals"]) == ("not_seen", None, None, 1)
    (finding,) = found(analysis).values()
    assert (finding["code"], finding["severity"], finding["confidence"]) == ("DP147", "warning", "proven")
    assert "48 (unknown_ca)" in finding["detail"]
    assert "cannot be read here" in finding["detail"]


def test_with_tls_13_and_its_key_the_reason_is_found(show: Show) -> None:
    (finding,) = found(show(LEAF, version="1.3", keys=True)).values()
    assert (finding["code"], finding["severity"]) == ("DP140", "warning")


def test_with_tls_13_and_no_key_an_accepted_chain_leaves_nothing(show: Show) -> None:
    analysis = show(LEAF, MIDDLE, version="1.3", accepted=True)
    assert len(analysis.certificates) == 0
    assert found(analysis) == {}


def test_a_server_that_turns_clients_away_is_told(show: Show) -> None:
    analysis = show(LEAF, MIDDLE, server=("-cipher", "AES128-SHA"))
    (finding,) = found(analysis).values()
    assert (finding["code"], finding["severity"]) == ("DP148", "warning")
    assert "40 (handshake_failure)" in finding["detail"]


@pytest.mark.parametrize(("version", "alert"), [("1.2", 40), ("1.3", 116)])
def test_a_server_that_wants_a_certificate_is_told_and_nobody_is_named(show: Show, version: str, alert: int) -> None:
    analysis = show(LEAF, MIDDLE, version=version, server=("-Verify", "1"), keys=True)
    (finding,) = found(analysis).values()
    assert (finding["code"], finding["severity"]) == ("DP149", "warning")
    assert f"with alert {alert} " in finding["detail"]
    assert "0 clients showed a certificate" in finding["detail"]


def test_of_clients_certificates_only_the_number_is_kept(show: Show) -> None:
    anna = PUBLIC.server("Anna Example", (), **NEW)
    path = show.folder / "anna.pem"
    path.write_bytes(anna.key_pem + anna.pem)
    options = ("-cert", str(path), "-key", str(path))
    analysis = show(LEAF, MIDDLE, server=("-verify", "1"), client=options, accepted=True)
    assert row(analysis)["client_certificates"] == 1
    assert "Anna" not in repr([read.rows(analysis.certificates), read.rows(analysis.findings)])


def test_clients_that_leave_without_a_word_are_noticed(show: Show) -> None:
    analysis = show(LEAF, visits=2, silent=True)
    seen = row(analysis)
    assert (seen["connections"], seen["refusals"], seen["abandoned"]) == (2, 0, 2)
    (finding,) = found(analysis).values()
    assert (finding["code"], finding["severity"]) == ("DP140", "warning")
    assert "In all 2 connections the client closed right after it without a word" in finding["detail"]


def test_leaving_a_good_chain_without_a_word_has_no_explanation(show: Show) -> None:
    (finding,) = found(show(LEAF, MIDDLE, trusts=OWN, visits=2, silent=True)).values()
    assert (finding["code"], finding["severity"], finding["confidence"]) == ("DP147", "warning", "possible")


def test_a_client_that_goes_on_and_closes_later_has_not_left(show: Show) -> None:
    assert row(show(LEAF, MIDDLE, accepted=True))["abandoned"] == 0


def test_a_wildcard_is_told_to_those_who_have_old_devices_only(show: Show) -> None:
    wildcard = MIDDLE.server("*.test", ("*.eu.test", HOST, f"*.{HOST}"), **NEW)
    assert found(show(wildcard, MIDDLE, accepted=True)) == {}
    assert set(found(show(wildcard, MIDDLE, version="1.0", accepted=True))) == {"DP146"}  # the name itself is in it
