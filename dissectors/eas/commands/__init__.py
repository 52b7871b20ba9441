"""The EAS commands, one file each, with the same parts in the same order.

A file `<command>.py` has: its docstring (what, specification, what it leaves out), the keys of its tags, the types of
its request and response, `COMMAND` (the name in the query), `read_request(body)` and `read_response(body)`. These take
a decoded HTTP body of any bytes and return a message, or None when the body's root is not this command's own; such a
body, and every command without a file, is read by `generic`. A new file here is all it takes to add a command.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol

from dissectors.eas.oddity import Oddity


class Message(Protocol):
    """What the requests and responses of all commands have in common."""

    @property
    def complete(self) -> bool:
        """The body was there up to the end of its root element, or was rightly empty."""

    @property
    def oddities(self) -> tuple[Oddity, ...]:
        """The first odd thing of each kind in the body."""


class Reader(Protocol):
    """A module of this package."""

    COMMAND: str

    def read_request(self, body: bytes) -> Message | None: ...

    def read_response(self, body: bytes) -> Message | None: ...


def _readers() -> dict[str, Reader]:
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return {module.COMMAND: module for module in modules if hasattr(module, "COMMAND")}


READERS: dict[str, Reader] = _readers()
