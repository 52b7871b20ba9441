"""`directpush doctor`: what is missing, for what, how to get it, and whether the main job can be done."""

import json
import os
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from analyzer import doctor
from analyzer.doctor import Check, Health, examine
from dissectors import native
from tests.support.places import DIRECTPUSH


def found(health: Health, name: str) -> Check:
    return next(check for check in health.checks if check.name == name)


def program(folder: Path, name: str, script: str) -> None:
    made = folder / name
    made.write_text(f"#!/bin/sh\n{script}\n")
    made.chmod(0o755)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no programs but those that a test puts into this folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_this_environment_can_do_the_main_job() -> None:
    health = examine({})
    assert health.able
    assert found(health, "Python").state == "ok"
    assert found(health, "numpy").found == metadata.version("numpy")


def test_what_is_missing_says_for_what_and_how_to_get_it(bare: Path) -> None:
    health = examine({})
    for name in ("tshark", "dumpcap", "chromium"):
        check = found(health, name)
        assert (check.state, check.found) == ("missing", "not installed")
        assert check.purpose
        assert check.hint
    assert health.able, "the main job needs none of these"


@pytest.mark.parametrize(
    ("state", "judged"), [("compiled", "ok"), ("absent", "limited"), ("stale", "limited"), ("off", "note")]
)
def test_kernels_are_no_need_but_their_absence_is_told(
    monkeypatch: pytest.MonkeyPatch, state: str, judged: str
) -> None:
    monkeypatch.setattr(native, "state", state)
    health = examine({})
    check = found(health, "kernels")
    assert check.state == judged
    assert bool(check.hint) == (judged == "limited")
    assert health.able


def test_missing_package_of_the_main_job_makes_it_unable(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "pandas":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    health = examine({})
    assert not health.able
    assert found(health, "pandas").hint.endswith("-m pip install pandas")


def test_old_tshark_is_limited_not_missing(bare: Path) -> None:
    program(bare, "tshark", "echo 'TShark (Wireshark) 2.6.20 (Git v2.6.20)'")
    check = found(examine({}), "tshark")
    assert (check.state, check.found) == ("limited", "2.6.20, older than 4.0")


def test_dumpcap_that_may_not_capture_is_told_from_one_that_sees_nothing(bare: Path) -> None:
    program(bare, "dumpcap", "echo 'dumpcap: permission denied' >&2; exit 2")
    assert found(examine({}), "dumpcap").found == "may not capture"
    program(bare, "dumpcap", "exit 0")
    assert found(examine({}), "dumpcap").found == "sees no interface"
    program(bare, "dumpcap", "echo '1. eth0'; echo '2. any'")
    assert found(examine({}), "dumpcap").found == "may capture on 2 interfaces"


def test_program_that_hangs_does_not_hang_the_doctor(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PROGRAM_LIMIT_S", 0.2)
    program(bare, "dumpcap", "exec /bin/sleep 30")
    assert found(examine({}), "dumpcap").state == "limited"


def test_key_log_variable_is_looked_into(tmp_path: Path) -> None:
    log = tmp_path / "keys"
    assert found(examine({}), "SSLKEYLOGFILE").state == "note"
    assert "No such file" in found(examine({"SSLKEYLOGFILE": str(log)}), "SSLKEYLOGFILE").found
    log.write_text("# made by a client\n")
    assert found(examine({"SSLKEYLOGFILE": str(log)}), "SSLKEYLOGFILE").state == "limited"
    log.write_text("# made by a client\nCLIENT_RANDOM 00 11\n\n")
    check = found(examine({"SSLKEYLOGFILE": str(log)}), "SSLKEYLOGFILE")
    assert (check.state, check.found) == ("ok", f"{log}: 1 line")


# The command ---------------------------------------------------------------------------------------------------------


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(DIRECTPUSH), "doctor", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


def test_command_says_first_whether_the_main_job_works() -> None:
    done = run(SSLKEYLOGFILE="")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Everything that the main job needs is here.")
    assert "SSLKEYLOGFILE" in done.stdout
    assert "\x1b" not in done.stdout


def test_command_as_json() -> None:
    done = run("--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["schema_version"], answer["able"]) == (0, 1, True)
    assert {"name", "state", "found", "purpose", "hint", "needed"} == set(answer["checks"][0])
