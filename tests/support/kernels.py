"""Whether the compiled kernels do the work, or numpy: tests hold the two equal."""

from collections.abc import Iterator
from contextlib import contextmanager

from dissectors import native

WAYS = (True, False) if native.enabled else (False,)
"""Compiled and not, as far as there are kernels here."""


@contextmanager
def compiled(way: bool) -> Iterator[None]:
    """The work is done by kernels, or not."""
    before, native.enabled = native.enabled, way
    try:
        yield
    finally:
        native.enabled = before
