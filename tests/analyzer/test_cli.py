"""The command line as a person or a script meets it: exit codes, streams, files; on a recorded capture."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.places import DIRECTPUSH, SAMPLES

CAPTURE = str(SAMPLES / "silent_firewall.pcap")
KEYS = str(SAMPLES / "silent_firewall.keys")
NOT_FOR_HELP = {"numpy", "pandas", "plotly", "scapy", "pyshark", "cryptography", "pyarrow", "rich", "isal", "zstandard"}
HELP_CPU_S = 0.2
NOT_FOR_ANALYZE = {
    "analyzer.engines.tshark", "analyzer.pair", "analyzer.reports.page", "analyzer.verify", "asyncio",
    "dissectors.http.h2.connection", "multiprocessing", "numpy.random", "pandas", "plotly", "pyarrow", "pydantic",
    "pyshark", "scapy", "zstandard",
}  # fmt: skip

DYING = {  # samples with waits that died, then with waits a device ended itself, and with notifications that never came
    "silent_firewall": "Push is being cut on the way.",
    "resetting_firewall": "Push is being cut on the way.",
    "proxy_timeout": "A proxy gives up on push waits before the server answers.",
    "server_killed": "The server stopped while devices were waiting.",
    "user_opens_app": "Push is healthy",
    "frontend_blocked": "Notifications from 10.0.0.5 to 10.0.0.4:2883 are refused",
    "frontend_lost": "Notifications from 10.0.0.5 to 10.0.0.4:2883 get lost.",
}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if key != "SSLKEYLOGFILE"}
    return subprocess.run(
        [str(DIRECTPUSH), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=clean | {"COLUMNS": "110"} | environment,
        stdin=subprocess.DEVNULL,
    )


def test_summary_goes_to_standard_output_and_nothing_else_does() -> None:
    done = run("analyze", CAPTURE, "--keylog", KEYS)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Push is being cut on the way.\n")
    assert "\x1b" not in done.stdout


def test_json_is_all_tables_and_nothing_else() -> None:
    done = run("analyze", CAPTURE, "--keylog", KEYS, "--json")
    document = json.loads(done.stdout)
    assert document["schema_version"] == 1
    assert [row["code"] for row in document["findings"]] == ["DP101", "DP141"]
    assert sum(row["outcome"] == "torn_down" for row in document["heartbeats"]) == 2


def test_key_log_is_found_through_the_environment() -> None:
    assert run("analyze", CAPTURE, SSLKEYLOGFILE=KEYS).stdout.startswith("Push is being cut on the way.\n")
    assert "stayed encrypted" in run("analyze", CAPTURE).stdout


def test_capture_through_a_pipe() -> None:
    with open(CAPTURE, "rb") as file:
        done = subprocess.run(
            [str(DIRECTPUSH), "analyze", "-", "--keylog", KEYS, "--json"], stdin=file, capture_output=True, check=True
        )
    assert json.loads(done.stdout)["findings"]


@pytest.mark.parametrize(("level", "code"), [("error", 1), ("warning", 1), ("never", 0)])
def test_fail_on_makes_the_exit_code(level: str, code: int) -> None:
    assert run("analyze", CAPTURE, "--keylog", KEYS, "--fail-on", level).returncode == code


def test_fail_on_is_quiet_when_push_is_healthy() -> None:
    healthy = [str(SAMPLES / "healthy.pcap"), "--keylog", str(SAMPLES / "healthy.keys")]
    assert run("analyze", *healthy, "--fail-on", "warning").returncode == 0


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_tables_are_written_beside_the_summary(tmp_path: Path, kind: str) -> None:
    done = run("analyze", CAPTURE, "--keylog", KEYS, "--tables", str(tmp_path / "out"), "--format", kind)
    assert done.returncode == 0
    assert done.stdout.startswith("Push is being cut")
    assert (tmp_path / "out" / f"heartbeats.{kind}").stat().st_size > 0
    if kind == "csv":
        with (tmp_path / "out" / "heartbeats.csv").open(newline="") as file:
            assert len(list(csv.DictReader(file))) == 6


def test_page_is_written_and_is_html(tmp_path: Path) -> None:
    assert run("timeline", CAPTURE, "--keylog", KEYS, "-o", str(tmp_path / "page.html")).returncode == 0
    assert (tmp_path / "page.html").read_text().lower().startswith("<!doctype html>")
    to_pipe = run("timeline", CAPTURE, "--keylog", KEYS, "-o", "-")
    assert to_pipe.stdout.lower().startswith("<!doctype html>")


def test_device_cuts_everything_to_that_device() -> None:
    everything = json.loads(run("analyze", CAPTURE, "--keylog", KEYS, "--json").stdout)
    device = everything["sessions"][0]["device_id"]
    cut = json.loads(run("analyze", CAPTURE, "--keylog", KEYS, "--json", "--device", device[:10].lower()).stdout)
    assert cut["heartbeats"] == everything["heartbeats"]
    assert cut["findings"] == everything["findings"]


def test_unknown_device_is_answered_with_those_that_are_there() -> None:
    done = run("analyze", CAPTURE, "--keylog", KEYS, "--device", "nobody")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: no device nobody in these captures\nhint: there are: LABDEV")


def test_pseudonymize_leaves_no_name_in_any_output(tmp_path: Path) -> None:
    plain = json.loads(run("analyze", CAPTURE, "--keylog", KEYS, "--json").stdout)
    names = {plain["sessions"][0]["user"], plain["sessions"][0]["device_id"], plain["connections"][0]["client_ip"]}
    page = tmp_path / "page.html"
    for extra in (["--json"], ["--verbose"], ["--html", str(page)]):
        said = run("analyze", CAPTURE, "--keylog", KEYS, "--pseudonymize", *extra).stdout
        assert [name for name in names if name in said] == []
    assert [name for name in names if name in page.read_text()] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze"],
        ["analyze", "--nonsense"],
        ["analyze", CAPTURE, "--format", "xls"],
        ["nonsense"],
        ["timeline", CAPTURE],
    ],
)
def test_wrong_usage_is_one_error_and_one_hint(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: directpush")


def test_quiet_leaves_out_warnings(tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere.keys")
    assert "nowhere.keys" in run("analyze", CAPTURE, "--keylog", missing).stderr
    assert run("analyze", CAPTURE, "--keylog", missing, "--quiet").stderr == ""


def test_fault_in_the_program_is_one_line_and_a_traceback_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    import analyzer.analysis
    from analyzer.cli import app

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by \x1b[31mzero")

    monkeypatch.setattr(analyzer.analysis, "analyze", broken)
    done = CliRunner().invoke(app, ["analyze", CAPTURE])
    assert done.exit_code == 2
    assert done.stderr.splitlines()[0] == "error: ZeroDivisionError: by \ufffd[31mzero"
    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(app, ["analyze", CAPTURE, "--debug"], catch_exceptions=False)


def test_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    """A capture that never ends, from a pipe; then Ctrl-C."""
    command = [str(DIRECTPUSH), "analyze", "-", "--html", str(tmp_path / "page.html"), "--tables", str(tmp_path)]
    process = subprocess.Popen(
        ["env", "--default-signal=INT", *command],  # ignored where these tests run in the background
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(Path(CAPTURE).read_bytes()[:5000])
    process.stdin.flush()
    time.sleep(4.0)  # until it waits for more, also on a busy machine
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_version_and_explain() -> None:
    assert run("--version").stdout.startswith("directpush ")
    assert "What it means" in run("explain", "DP101").stdout
    assert "interval outside" in run("explain", "Ping", "5").stdout
    assert "heartbeats" in run("explain").stdout
    wrong = run("explain", "heartbeat.outcome")
    assert wrong.returncode == 2
    assert "hint: did you mean heartbeats.outcome" in wrong.stderr


def test_help_loads_nothing_heavy_and_answers_at_once() -> None:
    """CPU seconds, the best of three: other work on the machine only adds."""
    code = (
        "import sys, time; sys.argv = ['directpush', '--help']\n"
        "from analyzer.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(time.process_time(), *{name.split('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    times = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        seconds, *modules = done.stderr.split()
        times.append(float(seconds))
        assert not NOT_FOR_HELP & set(modules)
        assert "analyze" in done.stdout
    assert min(times) <= HELP_CPU_S


def analyzed(name: str, keys: str, *options: str) -> tuple[str, set[str]]:
    """What `directpush analyze` says about a sample, and the modules that it loads for that."""
    code = (
        f"import sys; sys.argv = {['directpush', 'analyze', str(SAMPLES / f'{name}.pcap'), *options]!r}\n"
        "from analyzer.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    environment = os.environ | {"SSLKEYLOGFILE": str(SAMPLES / f"{keys}.keys")}
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    return done.stdout, set(done.stderr.split())


@pytest.mark.parametrize(
    ("name", "nor"),
    [
        ("healthy", {"numpy.ma", "dissectors.autd", "dissectors.ldap"}),
        ("frontend_healthy", {"cryptography.x509", "certifi"}),  # there are no certificates in it
    ],
)
def test_analyze_loads_nothing_for_what_is_not_there(name: str, nor: set[str]) -> None:
    """5 ms to a second each, of the third of a second that a small capture takes."""
    said, modules = analyzed(name, "healthy")
    assert (NOT_FOR_ANALYZE | nor) & modules == set()
    assert "waits" in said


@pytest.mark.parametrize("options", [[], ["--verbose"]], ids=["plain", "verbose"])
@pytest.mark.parametrize(("name", "headline"), DYING.items())
def test_analyze_of_dead_waits_loads_neither_pandas_nor_pyarrow(name: str, headline: str, options: list[str]) -> None:
    """They would take 0.2 of 0.5 s, and 80 of 140 MB."""
    said, modules = analyzed(name, name, *options)
    assert NOT_FOR_ANALYZE & modules == set()
    assert said.startswith(headline)
    assert ("outcome" in said) == bool(options)


@pytest.mark.parametrize("command", ["analyze", "timeline", "decode", "explain"])
def test_every_command_has_help_and_every_option_a_line(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"Usage: directpush {command}" in done.stdout
