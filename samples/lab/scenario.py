"""What a scenario is: who takes part, what happens, and what the analyzer must say about it.

Each file of `scenarios/` has one `SCENARIO` and one `EXPECTED`. `EXPECTED` maps a fate of a connection or wait (see
FATES) to what must be said about it at each capture point. A point that is not named there must not be judged.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from samples.lab.middle import Firewall, Proxy

if TYPE_CHECKING:
    from samples.lab.recording import Recording

FATES = {
    "closed": "the device had no more to ask and closed in good order; no wait was pending",
    "aborted": "the device dropped a pending wait because it wanted something else",
    "killed": "what the scenario is about: a pending request never got its answer",
    "http_error": "a proxy answered in the server's place",
    "lost": "the device lost the connection with everything else it knew, in a wait",
    "roamed": "the device went on from another address and left the connection as it was",
    "cut": "the recording ended first",
}
POINTS = ("dev", "srv")


class End(NamedTuple):
    """What must be said of one end. Words joined by | are all right: the first is the truth, the others are as much
    of it as this capture point can know. "unknown" is never wrong."""

    mechanism: str
    ended_by: str
    cause: str
    premature: bool | None  # None: either


Script = list[list[Any]]  # the steps of one device, see samples.lab.device
Expected = dict[str, dict[str, End]]  # fate → point → what must be said

CLOSED = End("tls_close|fin|rst", "client", "endpoint_close", False)
ABORTED = End("tls_close|fin|rst", "client", "replaced|endpoint_close", False)
CUT = End("capture_end", "unknown", "unknown", None)
ALWAYS: Expected = {
    "closed": dict.fromkeys(POINTS, CLOSED),
    "aborted": dict.fromkeys(POINTS, ABORTED),
    "cut": dict.fromkeys(POINTS, CUT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One recording: the parts and their options. What is not said is healthy."""

    scripts: tuple[Script, ...] = ()  # of the devices, see samples.lab.device
    device: dict[str, Any] = field(default_factory=dict)  # options of all devices
    server: dict[str, Any] = field(default_factory=dict)  # options of the server
    firewall: Firewall = field(default_factory=Firewall)
    proxy: Proxy | None = None
    box: dict[str, Any] | None = None  # a box that forges resets, see samples.lab.box
    air: dict[str, Any] = field(default_factory=lambda: {"delay_ms": 2})  # see samples.lab.link
    wan: dict[str, Any] = field(default_factory=lambda: {"delay_ms": 10})
    stranger: str | None = None  # not ActiveSync at all, see samples.lab.strangers
    story: Callable[[Recording], None] | None = None  # what happens meanwhile
    timers_s: dict[str, float] = field(default_factory=dict)  # point → the idle timer that can be found there
    ci: bool = False  # short enough for every run of the tests


class Named(NamedTuple):
    name: str
    about: str  # the docstring of its file
    scenario: Scenario
    expected: Expected


def load_all() -> dict[str, Named]:
    """Every scenario, by the name of its file."""
    from samples.lab import scenarios

    found = {}
    for module_info in pkgutil.iter_modules(scenarios.__path__):
        module = importlib.import_module(f"{scenarios.__name__}.{module_info.name}")
        about = (module.__doc__ or "").strip()
        found[module_info.name] = Named(module_info.name, about, module.SCENARIO, {**ALWAYS, **module.EXPECTED})
    return found
