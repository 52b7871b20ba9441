"""IPv6 extension headers (RFC 8200 4): what stands between the fixed header and TCP, UDP or ICMP."""

# IPv6 extension headers that are walked over: hop-by-hop, routing, fragment, authentication, destination, mobility,
# HIP, shim6
EXTENSIONS = (0, 43, 44, 51, 60, 135, 139, 140)
FRAGMENT_HEADER = 44
MAX_EXTENSIONS = 16


def walk_extensions(protocol: int, payload: bytes) -> tuple[int, int, tuple[int, bool, int] | None] | None:
    """Walks IPv6 extension headers: (upper protocol, bytes walked over, fragment (offset, more, identification) or
    None).

    None when the headers do not end within `payload`. An atomic fragment (RFC 6946) is no fragment.
    """
    position = 0
    piece: tuple[int, bool, int] | None = None
    for _ in range(MAX_EXTENSIONS):
        if protocol not in EXTENSIONS:
            return protocol, position, piece
        header = payload[position : position + 8]
        if len(header) < 8:
            return None
        if protocol == FRAGMENT_HEADER:
            field_value = int.from_bytes(header[2:4], "big")
            offset, more = field_value & 0xFFF8, bool(field_value & 1)
            position += 8
            if offset or more:
                # what follows a fragment header is part of the datagram and can be walked only when it is whole
                return header[0], position, (offset, more, int.from_bytes(header[4:8], "big"))
        elif protocol == 51:  # authentication header counts in 4-byte units (RFC 4302)
            position += (header[1] + 2) * 4
        else:
            position += (header[1] + 1) * 8
        protocol = header[0]
    return None
