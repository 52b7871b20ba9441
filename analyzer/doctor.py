"""Is everything here that the tool can use? What is missing, for what, and how to get it.

Nothing is changed and nothing is sent anywhere. `needed` is what the main job cannot do without; the rest takes a
feature away and nothing else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

State = Literal["ok", "missing", "limited", "note"]

NEEDED_PACKAGES = (
    *("numpy", "pandas", "pyarrow", "cryptography", "certifi", "hpack", "isal", "zstandard", "typer", "rich", "plotly"),
)
FEATURE_PACKAGES = {
    "pyshark": "the tshark engine (--engine tshark, verify)",
    "scapy": "scapy layers, and samples made by hand",
}
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
PROGRAM_LIMIT_S = 20
LOW_MEMORY_BYTES = 1 << 30  # a gigabyte of pure ActiveSync takes 300 MB
LOW_DISK_BYTES = 1 << 30

_KERNELS: dict[str, tuple[State, str, str]] = {  # by `dissectors.native.state`
    "compiled": ("ok", "compiled", ""),
    "absent": ("limited", "not built, or cannot be loaded; numpy does their work",
        "install a C compiler and Python's headers (Debian: apt install gcc libc6-dev python3-dev), then {build}"),
    "stale": ("limited", "built from other sources, not used; numpy does their work", "{build}"),
    "off": ("note", "switched off by DIRECTPUSH_PURE; numpy does their work", ""),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    found: str  # what there is, in words
    purpose: str  # what it is for
    hint: str = ""  # how to get it; empty where nothing is missing
    needed: bool = False  # by the main job


@dataclass(frozen=True, slots=True)
class Health:
    """All of it."""

    checks: tuple[Check, ...]

    @property
    def able(self) -> bool:
        """Nothing that the main job needs is missing."""
        return not any(check.needed and check.state == "missing" for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        return {"schema_version": 1, "able": self.able, "checks": [asdict(check) for check in self.checks]}


def examine(environment: Mapping[str, str] | None = None) -> Health:
    """Looks at this machine."""
    settings = os.environ if environment is None else environment
    looks: tuple[Callable[[], Iterator[Check]], ...] = (
        _python,
        _packages,
        _kernels,
        _tshark,
        _dumpcap,
        _chromium,
        lambda: _keylog(settings),
        _room,
    )
    return Health(tuple(check for look in looks for check in look()))


def _python() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    enough = sys.version_info >= (3, 11)
    yield Check(
        name="Python",
        state="ok" if enough else "missing",
        found=f"{version} ({sys.executable})",
        purpose="everything",
        hint="" if enough else "install Python 3.11 or newer and make a new environment with it",
        needed=True,
    )


def _packages() -> Iterator[Check]:
    yield from (_package(name, "the main job", needed=True) for name in ("directpush", *NEEDED_PACKAGES))
    yield from (_package(name, purpose, needed=False) for name, purpose in FEATURE_PACKAGES.items())


def _package(name: str, purpose: str, *, needed: bool) -> Check:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Check(
            name=name,
            state="missing",
            found="not installed",
            purpose=purpose,
            hint=f"{_pip()} install {name}",
            needed=needed,
        )
    return Check(name=name, state="ok", found=version, purpose=purpose, needed=needed)


def _kernels() -> Iterator[Check]:
    """The loops over packets, compiled or not."""
    from dissectors import native

    build = f"install directpush anew, in its clone: {_pip()} install --force-reinstall --no-deps . (or --editable .)"
    state, words, hint = _KERNELS[native.state]
    yield Check(
        name="kernels",
        state=state,
        found=words,
        purpose="large captures, in less time",
        hint=hint.format(build=build),
    )


def _pip() -> str:
    return f"{sys.executable} -m pip"


def _tshark() -> Iterator[Check]:
    from analyzer.engines.tshark.program import MINIMUM, MISSING_HINT, OLD_HINT, look_for_tshark

    purpose = "a second opinion: --engine tshark, verify"
    found = look_for_tshark()
    if found is None:
        broken = shutil.which("tshark") is not None
        words = "does not answer" if broken else "not installed"
        yield Check(name="tshark", state="missing", found=words, purpose=purpose, hint=_first(MISSING_HINT))
    elif not found.new_enough:
        words = f"{found.text}, older than {MINIMUM[0]}.{MINIMUM[1]}"
        yield Check(name="tshark", state="limited", found=words, purpose=purpose, hint=_first(OLD_HINT))
    else:
        yield Check(name="tshark", state="ok", found=f"{found.text} ({found.path})", purpose=purpose)


def _dumpcap() -> Iterator[Check]:
    purpose = "capturing on an interface of this machine"
    program = shutil.which("dumpcap")
    if program is None:
        hint = "it comes with tshark; a capture made elsewhere needs neither"
        yield Check(name="dumpcap", state="missing", found="not installed", purpose=purpose, hint=hint)
        return
    interfaces = _output(program, "-D")
    if interfaces is None:
        yield Check(
            name="dumpcap",
            state="limited",
            found="may not capture",
            purpose=purpose,
            hint="let this user capture (Debian and Ubuntu: dpkg-reconfigure wireshark-common, then add the user "
            "to the group wireshark), or capture with sudo tcpdump -i any -w FILE",
        )
        return
    count = sum(bool(line.strip()) for line in interfaces.splitlines())
    words = f"may capture on {count} interface{'' if count == 1 else 's'}" if count else "sees no interface"
    yield Check(
        name="dumpcap",
        state="ok" if count else "limited",
        found=words,
        purpose=purpose,
        hint="" if count else "capture as a user who may, or elsewhere",
    )


def _chromium() -> Iterator[Check]:
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    yield Check(
        name="chromium",
        state="ok" if found else "missing",
        found=found or "not installed",
        purpose="the browser tests of this project; the page itself opens in any browser",
        hint="" if found else "only for work on directpush (Debian: apt install chromium)",
    )


def _keylog(settings: Mapping[str, str]) -> Iterator[Check]:
    """The environment variable that makes clients write a key log, and this tool read it."""
    from analyzer.findings.words import counted

    purpose = "reading TLS: where clients write their keys, and what --keylog is when it is not given"
    name, value = "SSLKEYLOGFILE", settings.get("SSLKEYLOGFILE", "")
    if not value:
        hint = "set it before a client starts (curl, browsers, Python do as it says), or use --keylog FILE"
        yield Check(name=name, state="note", found="not set", purpose=purpose, hint=hint)
        return
    path = Path(value)
    try:
        with path.open("rb") as file:
            lines = sum(line[:1] not in (b"#", b"\n", b"\r") for line in file)
    except OSError as error:
        words = f"{value}: {error.strerror or error}"
        hint = "every command that reads captures takes it for a key log: let it name one, or unset it"
        yield Check(name=name, state="limited", found=words, purpose=purpose, hint=hint)
        return
    hint = "" if lines else "no client has written to it: were they started with this variable set?"
    state: State = "ok" if lines else "limited"
    yield Check(name=name, state=state, found=f"{value}: {counted(lines, 'line')}", purpose=purpose, hint=hint)


def _room() -> Iterator[Check]:
    memory = _free_memory()
    if memory is not None:
        low = memory < LOW_MEMORY_BYTES
        yield Check(
            name="memory",
            state="limited" if low else "ok",
            found=f"{_gigabytes(memory)} free",
            purpose="large captures (300 MB for a gigabyte of pure ActiveSync; tshark takes ten times that)",
            hint="a smaller --block-size, and the built-in engine" if low else "",
        )
    try:
        disk = shutil.disk_usage(Path.cwd()).free
    except OSError:
        return
    low = disk < LOW_DISK_BYTES
    yield Check(
        name="disk",
        state="limited" if low else "ok",
        found=f"{_gigabytes(disk)} free here",
        purpose="pages and tables that are written",
        hint="write them elsewhere" if low else "",
    )


def _free_memory() -> int | None:
    """What could be used without swapping, where the system says so."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _output(*command: str) -> str | None:
    """What a program says; None when it fails or hangs."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=PROGRAM_LIMIT_S
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace")


def _gigabytes(count: int) -> str:
    return f"{count / (1 << 30):.1f} GB"


def _first(hint: str) -> str:
    """The part of a hint that says how to get it."""
    return hint.partition(", or use")[0]
