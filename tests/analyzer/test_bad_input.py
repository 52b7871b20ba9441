"""Bad input: one line that says what happened and one `hint:` line, exit 2 only when nothing could be read, never a
traceback.

What could be read is reported all the same: one bad file among good ones costs only itself.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.places import DIRECTPUSH, SAMPLES

GOOD = SAMPLES / "healthy.pcap"
KEYS = SAMPLES / "healthy.keys"
HEADER = bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000")  # pcap, microseconds, Ethernet


def analyze(*arguments: object, prefix: list[str] | None = None) -> subprocess.CompletedProcess[str]:
    """`directpush analyze` on a dumb, wide terminal; whatever happens it must not be a traceback."""
    command = [*(prefix or []), str(DIRECTPUSH), "analyze", *map(str, arguments)]
    environment = os.environ | {"NO_COLOR": "1", "COLUMNS": "200"}
    run = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in run.stderr + run.stdout, run.stderr
    return run


def complaint(run: subprocess.CompletedProcess[str], about: object) -> str:
    """The one line about this input, with a hint right below it."""
    lines = run.stderr.splitlines()
    at = [number for number, line in enumerate(lines) if Path(str(about)).name in line and "hint:" not in line]
    assert len(at) == 1, run.stderr
    assert lines[at[0] + 1].lstrip().startswith("hint:"), run.stderr
    return lines[at[0]]


def file(directory: Path, name: str, content: bytes) -> Path:
    path = directory / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("text.pcap", b"This is not a capture, it is a letter.\n" * 40),
        ("random.pcap", bytes(range(256)) * 8),
        ("empty.pcap", b""),
        ("one_byte.pcap", b"\xd4"),
        ("half_a_header.pcap", HEADER[:11]),
        ("page.html", b"<!DOCTYPE html><html><body>Log in first</body></html>"),
        ("broken.pcap.gz", b"\x1f\x8b\x08\x00" + b"\xff" * 40),
        ("broken.pcap.zst", b"\x28\xb5\x2f\xfd" + b"\xff" * 40),
    ],
)
def test_what_is_no_capture_is_refused_with_a_hint(tmp_path: Path, name: str, content: bytes) -> None:
    run = analyze(file(tmp_path, name, content))
    complaint(run, name)
    assert (run.returncode, run.stdout) == (2, "")
    assert len(run.stderr.splitlines()) == 2


def test_missing_capture_is_refused_with_a_hint(tmp_path: Path) -> None:
    run = analyze(tmp_path / "nowhere.pcap")
    complaint(run, "nowhere.pcap")
    assert run.returncode == 2


def test_directory_is_refused_with_a_hint(tmp_path: Path) -> None:
    run = analyze(tmp_path)
    complaint(run, tmp_path)
    assert run.returncode == 2


def test_unreadable_capture_is_refused_with_a_hint(tmp_path: Path) -> None:
    path = file(tmp_path, "secret.pcap", GOOD.read_bytes())
    path.chmod(0)
    run = analyze(path, prefix=like_anybody_else())
    complaint(run, "secret.pcap")
    assert run.returncode == 2


def like_anybody_else() -> list[str]:
    """What to put before a command so that file permissions hold for it: root has a capability to ignore them."""
    if os.geteuid() != 0:
        return []
    without = "-dac_override,-dac_read_search"
    prefix = ["setpriv", f"--inh-caps={without}", f"--bounding-set={without}"]
    if shutil.which("setpriv") is None or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("root reads everything, and setpriv cannot take that right away")
    return prefix


def test_device_that_never_ends_is_no_capture() -> None:
    run = analyze("/dev/zero")
    complaint(run, "zero")
    assert run.returncode == 2


def test_cut_capture_is_read_up_to_the_cut(tmp_path: Path) -> None:
    """Cut in the middle of the last frame but one third: what is before is reported, and that it was cut is said."""
    whole = GOOD.read_bytes()
    cut = file(tmp_path, "cut.pcap", whole[: len(whole) * 2 // 3 + 5])
    run = analyze(cut, "--keylog", KEYS)
    assert run.returncode == 0
    said = " ".join(run.stdout.split())
    assert "the file ends inside frame 139" in said
    assert "the file breaks off in the middle" in said
    assert "1 device made 18 requests" in said


def test_cut_gzip_is_read_up_to_the_cut(tmp_path: Path) -> None:
    import gzip

    packed = gzip.compress(GOOD.read_bytes())
    cut = file(tmp_path, "short.pcap.gz", packed[: len(packed) * 2 // 3])
    run = analyze(cut, "--keylog", KEYS)
    assert run.returncode == 0
    assert run.stdout


def test_unknown_link_type_names_its_number(tmp_path: Path) -> None:
    strange = GOOD.read_bytes()
    strange = strange[:20] + (147).to_bytes(4, "little") + strange[24:]  # LINKTYPE_USER0
    run = analyze(file(tmp_path, "strange.pcap", strange))
    assert "147" in run.stdout + run.stderr
    assert "hint:" in run.stderr
    assert run.returncode == 2


def test_missing_key_log_costs_only_the_keys(tmp_path: Path) -> None:
    run = analyze(GOOD, "--keylog", tmp_path / "nowhere.keys")
    complaint(run, "nowhere.keys")
    assert run.returncode == 0
    assert run.stdout


def test_key_log_with_garbage_costs_only_its_bad_lines(tmp_path: Path) -> None:
    garbage = b"# comment\n\nCLIENT_RANDOM zz yy\nNONSENSE\n\xff\xfe\x00\x01\nCLIENT_RANDOM " + b"a" * 100_000 + b"\n"
    keys = file(tmp_path, "dirty.keys", garbage + KEYS.read_bytes() + garbage)
    clean, dirty = analyze(GOOD, "--keylog", KEYS, "--json"), analyze(GOOD, "--keylog", keys, "--json")
    assert dirty.returncode == clean.returncode == 0

    import json

    for table in ("transactions", "heartbeats", "sync_sizes"):
        assert json.loads(dirty.stdout)[table] == json.loads(clean.stdout)[table] != []


def test_key_log_without_any_key_is_named(tmp_path: Path) -> None:
    keys = file(tmp_path, "shopping.keys", b"milk\nbread\n")
    run = analyze(GOOD, "--keylog", keys)
    complaint(run, "shopping.keys")
    assert run.returncode == 0


def test_encrypted_capture_without_keys_says_what_to_bring() -> None:
    run = analyze(GOOD)
    assert run.returncode == 0
    assert "key" in run.stdout.lower()


def test_capture_without_activesync_says_what_was_looked_for(tmp_path: Path) -> None:
    """One DNS query on Ethernet: readable, and nothing in it is ours."""
    query = b"\0\1\1\0\0\1\0\0\0\0\0\0\3www\7example\3org\0\0\1\0\1"
    udp = b"\x9c\x40\0\x35" + (len(query) + 8).to_bytes(2, "big") + b"\0\0" + query
    ip = b"\x45\0" + (len(udp) + 20).to_bytes(2, "big") + b"\0\0\x40\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\2" + udp
    frame = b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip
    record = (1_715_760_000).to_bytes(4, "little") + bytes(4) + len(frame).to_bytes(4, "little") * 2 + frame
    run = analyze(file(tmp_path, "dns.pcap", HEADER + record))
    assert run.returncode == 0
    assert "activesync" in run.stdout.lower()


def test_capture_without_any_packet_is_readable(tmp_path: Path) -> None:
    run = analyze(file(tmp_path, "quiet.pcap", HEADER))
    assert run.returncode == 0
    assert run.stdout


def test_one_bad_file_among_good_ones_costs_only_itself(tmp_path: Path) -> None:
    bad = file(tmp_path, "bad.pcap", b"not a capture at all, only words\n")
    alone = analyze(GOOD, "--keylog", KEYS, "--json")
    beside = analyze(bad, GOOD, tmp_path / "nowhere.pcap", "--keylog", KEYS, "--json")
    complaint(beside, "bad.pcap")
    complaint(beside, "nowhere.pcap")
    assert beside.returncode == 0

    import json

    assert json.loads(beside.stdout)["heartbeats"] == json.loads(alone.stdout)["heartbeats"] != []


def test_all_bad_is_nothing_read(tmp_path: Path) -> None:
    run = analyze(file(tmp_path, "a.pcap", b"words"), file(tmp_path, "b.pcap", b""))
    complaint(run, "a.pcap")
    complaint(run, "b.pcap")
    assert (run.returncode, run.stdout) == (2, "")


def test_output_that_cannot_be_written_is_refused_with_a_hint(tmp_path: Path) -> None:
    run = analyze(GOOD, "--keylog", KEYS, "--html", tmp_path / "no" / "such" / "directory" / "page.html")
    complaint(run, "page.html")
    assert run.returncode == 2


def test_name_with_control_characters_does_not_reach_the_terminal(tmp_path: Path) -> None:
    run = analyze(file(tmp_path, "evil\x1b[31mname\r.pcap", b"words"))
    assert "\x1b" not in run.stderr + run.stdout
    assert "\r" not in run.stderr + run.stdout
    assert run.returncode == 2


def test_reader_that_goes_away_is_no_error() -> None:
    """`directpush analyze ... | head -0`: the pipe closes first."""
    command = f"'{DIRECTPUSH}' analyze '{GOOD}' --keylog '{KEYS}' --json | head -c 1"
    run = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True)
    assert "Traceback" not in run.stderr
    assert "BrokenPipe" not in run.stderr
