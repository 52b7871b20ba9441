"""The tshark program: where it is, whether it is new enough, and what to say when it is not.

4.0 is the oldest version that the agreement tests run with. Older ones lack `tcp.reassemble_out_of_order` as used here,
or name fields differently: they are refused rather than believed.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from analyzer.sources import SourceError

MINIMUM = (4, 0)
START_LIMIT_S = 20  # `tshark --version` takes a tenth of a second; what takes longer is no tshark

MISSING_HINT = "install Wireshark's tshark (Debian and Ubuntu: apt install tshark), or use --engine builtin"
OLD_HINT = f"install Wireshark {MINIMUM[0]}.{MINIMUM[1]} or newer, or use --engine builtin"

_VERSION = re.compile(r"^TShark \(Wireshark\) (\d+)\.(\d+)\.(\d+)", re.MULTILINE)


class Tshark(NamedTuple):
    """An installed tshark."""

    path: Path
    version: tuple[int, int, int]

    @property
    def text(self) -> str:
        return ".".join(map(str, self.version))

    @property
    def new_enough(self) -> bool:
        return self.version >= MINIMUM


def look_for_tshark() -> Tshark | None:
    """The tshark on the path; None when there is none that answers as one."""
    found = shutil.which("tshark")
    if found is None:
        return None
    try:
        answer = subprocess.run(
            [found, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=START_LIMIT_S,
        ).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(answer)
    if match is None:
        return None
    major, minor, patch = map(int, match.groups())
    return Tshark(Path(found).absolute(), (major, minor, patch))


def need_tshark() -> Tshark:
    """The tshark to use. Raises SourceError when it is missing or too old."""
    found = look_for_tshark()
    if found is None:
        if shutil.which("tshark") is not None:
            raise SourceError("tshark does not say its version: it does not work here", MISSING_HINT)
        raise SourceError("tshark is not installed", MISSING_HINT)
    if not found.new_enough:
        raise SourceError(f"tshark {found.text} is too old", OLD_HINT)
    return found
