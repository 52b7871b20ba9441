"""`directpush decode` as a person or a script meets it, on recorded captures."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from tests.support import truth
from tests.support.compare import rows
from tests.support.places import DIRECTPUSH, SAMPLES

CAPTURE, KEYS = str(SAMPLES / "silent_firewall.pcap"), str(SAMPLES / "silent_firewall.keys")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if key != "SSLKEYLOGFILE"}
    return subprocess.run(
        [str(DIRECTPUSH), *arguments], check=False, capture_output=True, text=True, timeout=60,
        env=clean | {"COLUMNS": "100"} | environment, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@cache
def lines(name: str) -> list[dict[str, Any]]:
    done = run("decode", str(SAMPLES / f"{name}.pcap"), "--keylog", str(SAMPLES / f"{name}.keys"), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


@cache
def transactions(name: str) -> list[dict[str, Any]]:
    from analyzer.analysis import analyze

    return rows(analyze([SAMPLES / f"{name}.pcap"], keylog=[SAMPLES / f"{name}.keys"]).transactions)


SAMPLE_NAMES = sorted(path.stem for path in SAMPLES.glob("*.keys"))


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_every_request_of_a_sample_is_there_with_the_sizes_of_the_tables(name: str) -> None:
    """The tables are held against the logs of those who took part, elsewhere."""
    ours = [row for row in transactions(name) if row["session_id"] is not None or row["command"] is not None]
    requests = [line for line in lines(name) if line["side"] == "request"]
    answers = [line for line in lines(name) if line["side"] == "response"]
    assert len(requests) == len(answers) == len(ours) > 0
    for side, found in (("request", requests), ("response", answers)):
        names = ("wire_bytes", "tls_bytes", "head_bytes", "body_bytes", "decoded_bytes")
        assert [[line[name] for name in names] for line in found] == [
            [row[f"{side}_{name}"] for name in names] for row in ours
        ]
        assert [line["first_frame"] for line in found] == [row[f"{side}_frame"] for row in ours]
    assert [line["command"] for line in requests] == [row["command"] for row in ours]
    assert [line["status"] for line in answers] == [row["status"] for row in ours]


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_sizes_of_every_line_add_up(name: str) -> None:
    for line in lines(name):
        if line["missing"] is None:
            assert line["wire_bytes"] == line["tls_bytes"] + line["head_bytes"] + line["body_bytes"], line


@pytest.mark.parametrize("name", SAMPLE_NAMES)
def test_every_body_of_a_sample_is_decoded_to_its_end(name: str) -> None:
    for line in lines(name):
        if line["missing"] is None:
            assert line["body_kind"] != "unread", line
            assert line["stopped_at"] is None, line
            assert (line["body_kind"] == "wbxml") == bool(line["body"]), line


def test_mail_and_names_stay_hidden_unless_asked_for_and_secrets_always() -> None:
    masked = run("decode", CAPTURE, "--keylog", KEYS).stdout
    shown = run("decode", CAPTURE, "--keylog", KEYS, "--show-content").stdout
    subjects = re.findall(r"<Subject[^>]*>(.*?)</Subject>", shown)
    assert len(subjects) > 10
    assert [subject for subject in subjects if subject in masked] == []
    assert re.findall(r"<Subject[^>]*>(?!«\d+ characters?»)", masked) == []
    for said in (masked, shown):
        assert set(re.findall(r"<PolicyKey>(.*?)</PolicyKey>", said)) == {"«secret»"}
        assert "User=" not in said
        assert "X-MS-PolicyKey: (set)" in said


def test_user_names_and_passwords_of_the_recording_are_nowhere() -> None:
    told = truth.load(SAMPLES / "silent_firewall.truth.json")
    (user,) = {device["user"] for device in told["devices"] if "user" in device} or {"alice"}
    assert user not in run("decode", CAPTURE, "--keylog", KEYS).stdout.lower()


def test_messages_come_in_order_of_the_requests_start() -> None:
    starts = [line["start"] for line in lines("silent_firewall") if line["side"] == "request"]
    assert starts == sorted(starts)


def test_a_wait_that_died_says_what_became_of_its_connection() -> None:
    missing = [line["missing"] for line in lines("silent_firewall") if line["missing"]]
    assert missing == [
        "no answer in this capture: the client closed the connection in frame 373, 62 s after the request",
        "no answer in this capture: the client closed the connection in frame 412, 62 s after the request",
    ]
    resets = [line["missing"] for line in lines("resetting_firewall") if line["missing"]]
    assert resets
    assert all(re.search(r"was reset, with the server's address, in frame \d+, \d+ s after", words) for words in resets)


def test_frame_and_command_and_device_choose() -> None:
    by_frame = run("decode", CAPTURE, "--keylog", KEYS, "--frame", "372", "--frame", "369").stdout
    assert len(re.findall(r"^Ping  ", by_frame, re.MULTILINE)) == 1
    assert len(re.findall(r"^> POST", by_frame, re.MULTILINE)) == 1
    pings = run("decode", CAPTURE, "--keylog", KEYS, "--command", "ping", "--device", "labdev").stdout
    assert set(re.findall(r"^(\w+)  \d{4}", pings, re.MULTILINE)) == {"Ping"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--device", "Nobody"), "error: no device Nobody in these captures\nhint: there are: LABDEV"),
        (("--command", "Pong"), "error: no Pong in these captures\nhint: did you mean Ping? there are: "),
        (("--frame", "999999"), "error: no part of an Exchange ActiveSync message that could be read is in frame 9"),
        (("--device", "labdev", "--command", "Settings", "--frame", "372"), "error: "),
    ],
)
@pytest.mark.parametrize("how", [(), ("--json",), ("--quiet",)])
def test_what_nothing_matches_is_said_as_analyze_says_it(asked: tuple[str, ...], said: str, how: tuple[str]) -> None:
    done = run("decode", CAPTURE, "--keylog", KEYS, *asked, *how)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 2
    if asked[0] == "--device" and len(asked) == 2:
        assert done.stderr == run("analyze", CAPTURE, "--keylog", KEYS, *asked).stderr


def test_a_device_that_is_asked_for_where_nothing_can_be_read_is_not_there() -> None:
    done = run("decode", CAPTURE, "--device", "labdev")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: no device labdev in these captures\nhint: no device was seen at all\n"


def test_without_keys_it_says_that_nothing_could_be_read() -> None:
    done = run("decode", CAPTURE)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("warning: no Exchange ActiveSync message could be read")


def test_several_captures_are_named_in_each_message() -> None:
    other = str(SAMPLES / "healthy.pcap")
    keys = ["--keylog", KEYS, "--keylog", str(SAMPLES / "healthy.keys")]
    titles = re.findall(r"^Ping  .*$", run("decode", CAPTURE, other, *keys, "--command", "Ping").stdout, re.MULTILINE)
    assert {title.rsplit("  ", 1)[1].rsplit("/", 1)[-1] for title in titles} == {"silent_firewall.pcap", "healthy.pcap"}


def test_a_capture_through_a_pipe_gives_the_same() -> None:
    with open(CAPTURE, "rb") as capture:
        done = subprocess.run(
            [str(DIRECTPUSH), "decode", "-", "--keylog", KEYS],
            stdin=capture,
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout == run("decode", CAPTURE, "--keylog", KEYS).stdout


@pytest.mark.skipif(sys.platform == "win32" or shutil.which("head") is None, reason="needs a POSIX shell with head")
def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f'"{DIRECTPUSH}" decode "{CAPTURE}" --keylog "{KEYS}" | head -n 3'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) == 3
    assert done.stderr == ""


def test_what_is_no_capture_is_one_error_and_one_hint() -> None:
    done = run("decode", __file__)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "\nhint: " in done.stderr


def test_every_key_of_a_line_is_explained() -> None:
    page = run("explain", "decode").stdout
    for key in lines("healthy")[0]:
        assert re.search(rf"^  {key} ", page, re.MULTILINE), key
    assert "Body as sent" in run("explain", "decode.body_bytes").stdout
