# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True
"""Frames → TCP segments, those that need no thought: the work of `dissectors/net/packets.py` and `segments.py` on TCP
over IPv4 or IPv6 in Ethernet, untagged or tagged.

Everything else (fragments, extension headers, tunnels, cut or odd headers, lengths of zero, UDP that somebody wants) is
left to them: what it means is written down once, there.
"""

import numpy as np

REVISION = 2  # see __init__.py

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define FETCH(place) __builtin_prefetch(place)
    #else
    #define FETCH(place)
    #endif
    """
    void FETCH(const void *place) noexcept

ctypedef unsigned long long Word

cdef enum:
    AHEAD = 8  # frames: their headers are on the way from memory while others are read
    ETHERNET_BYTES = 14
    IPV4 = 0x0800
    IPV6 = 0x86DD
    PPPOE_SESSION = 0x8864
    MAX_TAGS = 4
    TCP = 6
    UDP = 17


cdef inline unsigned int _u16(const unsigned char[::1] data, Py_ssize_t at) except? 0xFFFF:
    return <unsigned int>data[at] << 8 | data[at + 1]


cdef inline unsigned int _u32(const unsigned char[::1] data, Py_ssize_t at) except? 0xFFFFFFFFU:
    return (
        <unsigned int>data[at] << 24 | <unsigned int>data[at + 1] << 16 | <unsigned int>data[at + 2] << 8 | data[at + 3]
    )


cdef inline Word _u64(const unsigned char[::1] data, Py_ssize_t at) except? 0xFFFFFFFFU:
    return <Word>_u32(data, at) << 32 | _u32(data, at + 4)


cdef inline bint _is_tag(unsigned int ethertype) noexcept:
    return ethertype == 0x8100 or ethertype == 0x88A8 or ethertype == 0x9100 or ethertype == 0x9200


cdef inline Word _mix(Word word, Word first, Word second) noexcept:
    word *= first
    word ^= word >> 32
    word *= second
    return word ^ word >> 29


def plain(frames, found, Py_ssize_t count, Py_ssize_t begin, udp_ports, unsigned int udp_word, mixing, masks):
    """Writes the segments into the columns `found` from row `count` on; returns the next row and which frames are left
    to others (indexes, ascending).

    `frames`: all Ethernet. `begin`: where their data begins in that of `found`. `udp_ports`: shape (65536,), uint8, not
    zero where UDP from or to a port is for others; `udp_word`: and where its payload begins so. `mixing`, `masks`: see
    `segments`.
    """
    cdef const unsigned char[::1] data = frames.data, wanted = udp_ports
    cdef const long long[::1] offset = frames.offset, captured_bytes = frames.captured, times = frames.time_ns
    cdef const Word[::1] factor = mixing, mask = masks
    cdef long long first_frame = frames.first_frame
    cdef long long[::1] frame = found.frame, time_ns = found.time_ns, seq = found.seq, ack = found.ack, mac = found.mac
    cdef long long[::1] start = found.start, length = found.length, captured = found.captured
    cdef long long[::1] fingerprint = found.fingerprint
    cdef unsigned char[::1] version = found.version, flags = found.flags
    cdef unsigned short[::1] source_port = found.source_port, destination_port = found.destination_port
    cdef unsigned short[::1] window = found.window
    cdef int[::1] ip_id = found.ip_id
    cdef short[::1] ttl = found.ttl
    cdef Word[:, :] source = found.source, destination = found.destination
    cdef Word[::1] source_key = found.source_key, destination_key = found.destination_key
    cdef Py_ssize_t number, at, ip, have, header, total, tcp, tags, left = 0
    cdef long long identification
    cdef unsigned int ethertype, protocol, first, near, far
    cdef Word source_high, source_low, destination_high, destination_low, numbers, rest, key, other_key
    others = np.empty(offset.shape[0], np.int64)
    cdef long long[::1] leave = others

    for number in range(offset.shape[0]):
        leave[left] = number  # taken back where the frame is dealt with here
        left += 1
        if number + AHEAD < offset.shape[0]:
            at = offset[number + AHEAD]
            if 0 <= at and at + 64 < data.shape[0]:
                FETCH(&data[at])
                FETCH(&data[at + 64])
        at, have = offset[number], captured_bytes[number]
        if have < ETHERNET_BYTES + 20:
            continue
        ethertype, ip = _u16(data, at + 12), ETHERNET_BYTES
        for tags in range(MAX_TAGS):
            if not _is_tag(ethertype) or have < ip + 4:
                break
            ethertype, ip = _u16(data, at + ip + 2), ip + 4
        if ethertype != IPV4 and ethertype != IPV6:
            if not _is_tag(ethertype) and ethertype != PPPOE_SESSION:
                left -= 1  # nothing that is followed
            continue
        have -= ip
        ip += at

        if ethertype == IPV4:
            if have < 20:
                continue
            first = data[ip]
            if first < 0x45 or first > 0x4F or _u16(data, ip + 6) & 0x3FFF:
                continue
            header, total = (first & 15) << 2, _u16(data, ip + 2)
            if total < header:
                continue
            protocol = data[ip + 9]
        else:
            if have < 40 or data[ip] >> 4 != 6 or not _u16(data, ip + 4):
                continue
            header, total = 40, 40 + _u16(data, ip + 4)
            protocol = data[ip + 6]
        have = min(have, total) - header
        total -= header
        tcp = ip + header
        if protocol == UDP and have >= 12:
            if not (wanted[_u16(data, tcp)] or wanted[_u16(data, tcp + 2)] or _u32(data, tcp + 8) == udp_word):
                left -= 1
            continue
        if protocol != TCP or have < 20:
            continue
        header = (data[tcp + 12] >> 4) << 2
        if header < 20 or header > total:
            continue

        left -= 1
        frame[count], time_ns[count] = first_frame + number, times[number]
        mac[count] = <long long>_u16(data, at + 6) << 32 | _u32(data, at + 8)
        if ethertype == IPV4:
            version[count], ttl[count], identification = 4, data[ip + 8], _u16(data, ip + 4)
            source_high, source_low, destination_high, destination_low = 0, _u32(data, ip + 12), 0, _u32(data, ip + 16)
        else:
            version[count], ttl[count], identification = 6, data[ip + 7], -1
            source_high, source_low = _u64(data, ip + 8), _u64(data, ip + 16)
            destination_high, destination_low = _u64(data, ip + 24), _u64(data, ip + 32)
        near, far = _u16(data, tcp), _u16(data, tcp + 2)
        source[count, 0], source[count, 1] = source_high, source_low
        destination[count, 0], destination[count, 1] = destination_high, destination_low
        source_port[count], destination_port[count], ip_id[count] = near, far, identification
        if ethertype == IPV4:
            key, other_key = source_low << 16, destination_low << 16
        else:
            key = _mix(source_high ^ factor[3], factor[0], factor[1]) ^ source_low
            key = _mix(key, factor[0], factor[1])
            other_key = _mix(destination_high ^ factor[3], factor[0], factor[1]) ^ destination_low
            other_key = _mix(other_key, factor[0], factor[1])
        key = _mix(key ^ near, factor[0], factor[1])
        source_key[count], destination_key[count] = key, _mix(other_key ^ far, factor[0], factor[1])
        numbers = _u64(data, tcp + 4)
        rest = _u64(data, tcp + 12) & mask[identification <= 0]
        rest = (rest | <Word>(identification & 0xFFFF)) * factor[2]
        seq[count], ack[count] = numbers >> 32, numbers & 0xFFFFFFFFULL
        flags[count], window[count] = data[tcp + 13], _u16(data, tcp + 14)
        start[count], length[count], captured[count] = begin + tcp + header, total - header, max(0, have - header)
        fingerprint[count] = <long long>(_mix(numbers + key, factor[0], factor[1]) + rest) ^ (total - header)
        count += 1
    return count, others[:left]
