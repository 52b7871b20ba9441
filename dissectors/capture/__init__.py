"""Capture files: pcap and pcapng bytes to frame columns. Sans-IO, see `reader.CaptureReader.parse`."""

from dissectors.capture.frames import NOT_A_PACKET, Frames, Interface
from dissectors.capture.pcap import PcapReader, pcap_variant
from dissectors.capture.pcapng import PcapngReader, pcapng_order
from dissectors.capture.reader import MAX_RECORD_BYTES, CaptureReader
from dissectors.capture.sniff import looks_like
from dissectors.errors import NotACapture

HEAD_BYTES = 1024
"""How many first bytes `open_capture` should be given, if the file has as many."""

__all__ = [
    "HEAD_BYTES",
    "MAX_RECORD_BYTES",
    "NOT_A_PACKET",
    "CaptureReader",
    "Frames",
    "Interface",
    "NotACapture",
    "looks_like",
    "open_capture",
]


def open_capture(head: bytes, *, plain: bool = False) -> CaptureReader:
    """A reader for the capture that begins with `head`; its first `parse` call gets these bytes again.

    `plain` finds record boundaries one by one: slower, same result. Raises `NotACapture`, in words, for anything else.
    """
    variant = pcap_variant(head)
    if variant:
        return PcapReader(head, *variant, plain=plain)
    big_endian = pcapng_order(head)
    if big_endian is not None:
        return PcapngReader(big_endian, plain=plain)
    raise NotACapture(f"looks like {looks_like(head)}")
