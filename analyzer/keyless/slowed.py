"""A capture once more with its silences stretched: recordings made in a hurry, at the pace of real life.

Gaps between packets of more than KEEP_S are made longer by a factor, shorter ones stay as they are: round trips, bursts
and follow-ups keep their times, waits of seconds become waits of minutes. Frames keep their numbers and bytes.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from analyzer.timeline.columns import NS

KEEP_S = 1.5


def slow_down(source: Path, target: Path, times: float) -> None:
    """Writes `target` as pcap with nanoseconds; `source` is pcap or pcapng."""
    from scapy.utils import RawPcapReader, RawPcapWriter

    logging.getLogger("scapy").setLevel(logging.ERROR)  # it warns of keys in the file, which are of no use here
    keep_ns, before_ns, now_ns = int(KEEP_S * NS), 0, 0
    with RawPcapReader(str(source)) as reader:
        writer: RawPcapWriter | None = None
        for data, meta in reader:
            time_ns, link_type = _time(reader, meta)
            gap_ns, before_ns = time_ns - before_ns, time_ns
            if not now_ns:
                now_ns = time_ns
            elif gap_ns > keep_ns:
                now_ns += keep_ns + int((gap_ns - keep_ns) * times)
            else:
                now_ns += gap_ns
            if writer is None:
                writer = RawPcapWriter(str(target), linktype=link_type, nano=True)
                writer.write_header(None)
            seconds, rest = divmod(now_ns, NS)
            writer.write_packet(data, sec=seconds, usec=rest, caplen=len(data), wirelen=meta.wirelen)
        if writer is not None:
            writer.close()


def _time(reader: Any, meta: Any) -> tuple[int, int]:
    """Time and link type of a packet; scapy's readers of pcap and pcapng say them in different words."""
    if hasattr(meta, "tslow"):
        return ((meta.tshigh << 32) + meta.tslow) * NS // meta.tsresol, meta.linktype
    return meta.sec * NS + (meta.usec if reader.nano else meta.usec * 1000), reader.linktype
