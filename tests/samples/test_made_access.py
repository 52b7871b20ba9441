"""The made samples of sign-in, directory and SMS triggers, through the whole chain, held against their truth; tshark
sees the same searches and recipients.
"""

import json
import subprocess
from shutil import which
from typing import Any

import pytest

import analyzer
from tests.support.places import ROOT

SAMPLES = ROOT / "samples"
NS = 1_000_000_000


def analysed(name: str) -> tuple[Any, dict[str, Any]]:
    capture = SAMPLES / f"{name}.pcap"
    if not capture.exists():
        pytest.skip(f"samples/{name}.pcap is not there: python -m samples.made writes it")
    return analyzer.analyze([capture]), json.loads((SAMPLES / f"{name}.truth.json").read_text())


def records(analysis: Any, table: str) -> list[dict[str, Any]]:
    frame = analysis.lazy[table].astype(object)
    rows: list[dict[str, Any]] = frame.where(frame.notna(), None).to_dict("records")
    return rows


def tshark(name: str, display_filter: str, *fields: str) -> list[list[str]]:
    if which("tshark") is None:
        pytest.skip("tshark is not installed")
    command = ["tshark", "-r", str(SAMPLES / f"{name}.pcap"), "-Y", display_filter, "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return [line.split("\t") for line in run.stdout.splitlines()]


def test_each_trigger_is_found_and_joined_to_its_sync_to_the_millisecond() -> None:
    analysis, truth = analysed("autd_v1")
    rows = records(analysis, "sms_triggers")
    assert [row["recipient"] for row in rows] == [wanted["recipient"] for wanted in truth["sms_triggers"]]
    for row, wanted in zip(rows, truth["sms_triggers"], strict=True):
        assert row["time"].timestamp() == pytest.approx(wanted["time"], abs=0.001)
        if wanted["trigger_to_sync_s"] is None:
            assert row["trigger_to_sync_s"] is None
        else:
            assert row["trigger_to_sync_s"] == pytest.approx(wanted["trigger_to_sync_s"], abs=0.001)


def test_the_mode_of_each_device_is_recognised() -> None:
    analysis, truth = analysed("autd_v1")
    rows = records(analysis, "sessions")
    assert {row["user"]: row["sync_mode"] for row in rows} == truth["sync_modes"]
    periods = {row["user"]: row["scheduled_period_s"] for row in rows if row["scheduled_period_s"] is not None}
    assert periods == {user: pytest.approx(period, abs=1.0) for user, period in truth["scheduled_period_s"].items()}


def test_no_address_of_a_mail_that_is_no_trigger_comes_out() -> None:
    analysis, _ = analysed("autd_v1")
    text = "\n".join(frame.to_csv() for frame in analysis.lazy.values())
    assert "14255550100" in text
    for hidden in ("dora@partner", "14255550111", "autd@corp", "Lunch", "6F9619FF"):
        assert hidden not in text


def test_each_sign_in_is_found_with_scheme_rounds_and_time() -> None:
    analysis, truth = analysed("authentication")
    rows = [(r["leg"], r["scheme"], r["rounds"], round(r["time_ms"], 3)) for r in records(analysis, "authentications")]
    assert sorted(rows) == sorted((w["leg"], w["scheme"], w["rounds"], w["time_ms"]) for w in truth["authentications"])


def test_each_search_and_each_share_is_found_to_the_millisecond() -> None:
    analysis, truth = analysed("authentication")
    searches = [row for row in records(analysis, "directory_searches") if row["operation"] == "search"]
    for row, wanted in zip(searches, sorted(truth["searches"], key=lambda w: float(w["time"])), strict=True):
        assert (row["user"], row["entries"], row["matched_by"]) == (wanted["user"], wanted["entries"], "user")
        assert row["start"].timestamp() == pytest.approx(wanted["time"], abs=0.001)
        assert row["time_ms"] == pytest.approx(wanted["time_ms"], abs=0.001)
    shares = [row for row in records(analysis, "answer_shares") if row["searches"]]
    for row, wanted in zip(shares, truth["answer_shares"], strict=True):
        for name, value in wanted.items():
            assert row[name] == pytest.approx(value, abs=0.001), name


@pytest.mark.parametrize(
    ("name", "codes"),
    [("autd_v1", {"DP130", "DP132"}), ("authentication", {"DP110", "DP131", "DP133", "DP134", "DP135"})],
)
def test_the_findings_are_those_of_the_story(name: str, codes: set[str]) -> None:
    analysis, _ = analysed(name)
    assert {row["code"] for row in records(analysis, "findings")} == codes


def test_no_credential_comes_out() -> None:
    analysis, _ = analysed("authentication")
    text = "\n".join(frame.to_csv() for frame in analysis.lazy.values())
    for hidden in ("TlRMTVNTUAAB", "aW52ZW50ZWQ", "invented 1", "invented:"):
        assert hidden not in text


@pytest.mark.tshark
def test_tshark_sees_the_same_recipients() -> None:
    analysis, _ = analysed("autd_v1")
    seen = [
        row[0].removeprefix("TO:").strip("<>")
        for row in tshark("autd_v1", 'smtp.req.command=="RCPT"', "smtp.req.parameter")
    ]
    triggers = [row["recipient"] for row in records(analysis, "sms_triggers")]
    assert [address for address in seen if address == triggers[0]] == triggers
    assert len(seen) == len(triggers) + 2


@pytest.mark.tshark
def test_tshark_sees_the_same_searches_in_the_same_frames() -> None:
    analysis, _ = analysed("authentication")
    seen = tshark("authentication", "ldap.protocolOp == 3", "frame.number", "ldap.assertionValue")
    ours = [row for row in records(analysis, "directory_searches") if row["operation"] == "search"]
    assert [(int(frame), values.split(",")[-1]) for frame, values in seen] == [
        (r["first_frame"], r["user"]) for r in ours
    ]
    times = tshark("authentication", "ldap.protocolOp == 5", "ldap.time")
    assert [float(values[0].split(",")[0]) * 1e3 for values in times] == [
        pytest.approx(r["time_ms"], abs=0.01) for r in ours
    ]
