"""The EAS commands, one file each, with the same parts in the same order.

A file `<command>.py`, named like the command in lower case, has: its docstring (what, specification, what it leaves
out), the keys of its tags, the types of its request and response, `COMMAND` (the name in the query), `read_request` and
`read_response`. These take a decoded HTTP body of any bytes and, for the few commands that say something there, the
query and the headers of that side; they return a message, or None when the body is not this command's own. Such a body,
and every command without a file, is read by `generic`. A new file here is all it takes to add a command; `compose` and
`collection` are what some of them share.
"""

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol

from dissectors.eas.oddity import Oddity
from dissectors.eas.query import EasQuery


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

    def read_request(self, body: bytes, query: EasQuery, headers: Mapping[str, str], /) -> Message | None: ...

    def read_response(self, body: bytes, query: EasQuery, headers: Mapping[str, str], /) -> Message | None: ...


_FILES = frozenset(found.name for found in iter_modules(__path__))


@lru_cache(maxsize=1024)  # names come from the wire
def reader_of(command: str | None) -> Reader | None:
    """The module of a command, imported when one is first met; None: the command has no file."""
    name = (command or "").lower()
    if name not in _FILES:
        return None
    module: Reader = import_module(f"{__name__}.{name}")
    return module if getattr(module, "COMMAND", None) == command else None


def all_readers() -> dict[str, Reader]:
    """The modules of all commands, by the command's name."""
    modules = [import_module(f"{__name__}.{name}") for name in sorted(_FILES)]
    return {module.COMMAND: module for module in modules if hasattr(module, "COMMAND")}
