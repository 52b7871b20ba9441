"""Captures and keys → a `Decoder`, in one pass over each file.

Secrets that a pcapng file holds may come after the connections that they open. A file that can be read twice is
therefore looked through for them first, blocks only, so that what is printed once need not be taken back.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyzer.reading import How, read_captures

if TYPE_CHECKING:
    from analyzer.decode.decoder import Decoder
    from analyzer.reading import Progress
    from analyzer.trouble import PathLike, Trouble
    from dissectors.tls import KeyLog


def run(
    captures: Sequence[PathLike], keys: KeyLog, decoder: Decoder, how: How, progress: Progress | None = None
) -> list[Trouble]:
    """Feeds every event of the captures to the decoder. Returns what could not be read; raises AnalyzeError when
    nothing could be.
    """
    for path in captures:
        _learn(path, keys, how.block_bytes)
    read = read_captures(captures, keys, how, lambda: decoder, progress, decoder.begin)
    decoder.finish()
    return read.troubles


def _learn(path: PathLike, keys: KeyLog, block_bytes: int) -> None:
    """Take over the key logs inside a file. What is odd about them is told when it is read."""
    from analyzer.sources import SourceError, open_source

    if not os.path.isfile(path):  # a pipe gives its bytes only once
        return
    try:
        with open_source(path, block_bytes=block_bytes) as source:
            if source.reader.format != "pcapng":
                return
            for _ in source.blocks():
                pass
            for blob in source.reader.secrets:
                keys.add(blob, os.fspath(path))
    except SourceError:
        return
