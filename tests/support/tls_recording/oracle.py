"""What tshark reads in the same capture: the foreign truth."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from dissectors.events import CLIENT, SERVER
from tests.support.tls_recording.packets import SERVER_PORT

TIMEOUT_S = 120.0
_BLOCK = re.compile(
    rb"Follow: tls,raw\nFilter: tcp\.stream eq (\d+)\nNode 0: .*:(\d+)\nNode 1: .*:\d+\n((?:\t?[0-9a-f]+\n)*)"
)


def follow_tls(
    capture: Path, streams: Sequence[int], *, keylog: Path | None = None, rsa_key: Path | None = None
) -> dict[int, tuple[bytes, bytes]]:
    """`follow,tls,raw` of several TCP streams in one run: by stream what the client and the server sent."""
    command = ["tshark", "-n", "-r", str(capture), "-q"]
    if keylog is not None:
        command += ["-o", f"tls.keylog_file:{keylog}"]
    if rsa_key is not None:
        command += ["-o", f'uat:rsa_keys:"{rsa_key}",""']
    for stream in streams:
        command += ["-z", f"follow,tls,raw,{stream}"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=TIMEOUT_S)
    found: dict[int, tuple[bytes, bytes]] = {}
    for match in _BLOCK.finditer(done.stdout):
        first = SERVER if int(match[2]) == SERVER_PORT else CLIENT  # node 0 is whose record came first, in TLS 1.3 any
        sides = (bytearray(), bytearray())
        for line in match[3].splitlines():
            sides[first ^ line.startswith(b"\t")].extend(bytes.fromhex(line.decode()))
        found[int(match[1])] = (bytes(sides[0]), bytes(sides[1]))
    return found


def inject_secrets(capture: Path, keylog: Path, into: Path) -> Path:
    """A pcapng with the key log inside (a Decryption Secrets Block), as `editcap` writes it."""
    command = ["editcap", "--inject-secrets", f"tls,{keylog}", str(capture), str(into)]
    subprocess.run(command, capture_output=True, check=True, timeout=TIMEOUT_S)
    return into
