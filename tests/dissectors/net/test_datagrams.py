"""UDP payloads: by port, by their first word, whole or cut."""

from dissectors.events import Datagram
from dissectors.net.datagrams import datagrams, wanted
from dissectors.net.packets import PacketDecoder
from tests.dissectors.net.wire import RAW, START, Frame, columns, ethernet, ipv4, ipv6, udp

A, B = "10.0.0.1", "192.0.2.7"
NOTIFY = b"NOTIFY httpu://10.0.0.1:2883/ HTTP/1.1\r\n\r\n"


def read(*frames: Frame | bytes, ports: tuple[int, ...] = (2883,)) -> list[Datagram]:
    block = columns([frame if isinstance(frame, Frame) else Frame(frame, START, link_type=RAW) for frame in frames])
    return datagrams(PacketDecoder().decode(block)[1], ports, capture=3)


def test_a_datagram_on_the_port_is_told_whole() -> None:
    (found,) = read(ipv4(A, B, udp(1500, 2883, b"hello"), protocol=17))
    assert found == Datagram(
        capture=3,
        frame=1,
        time_ns=START,
        source_ip=A,
        source_port=1500,
        destination_ip=B,
        destination_port=2883,
        payload=b"hello",
        complete=True,
    )


def test_the_port_may_be_either_end_and_another_one() -> None:
    frames = [
        ipv4(A, B, udp(2883, 9, b"a"), protocol=17),
        ipv6("fd00::1", "fd00::2", udp(9, 999, b"b"), protocol=17),
        ipv4(A, B, udp(9, 9, b"c"), protocol=17),
    ]
    assert [each.payload for each in read(*frames, ports=(2883, 999))] == [b"a", b"b"]
    assert read(*frames, ports=()) == []


def test_a_notify_is_found_on_any_port() -> None:
    (found,) = read(ipv6("fd00::1", "fd00::2", udp(5, 6, NOTIFY), protocol=17))
    assert (found.payload, found.source_ip) == (NOTIFY, "fd00::1")


def test_what_stands_behind_the_frame_is_not_taken_for_a_notify() -> None:
    short = ipv4(A, B, udp(5, 6, b"NOTI"), protocol=17)
    block = columns([Frame(short, link_type=RAW), Frame(b"FY and more of it", link_type=RAW)], before=0)
    assert datagrams(PacketDecoder().decode(block)[1], ()) == []


def test_a_cut_datagram_says_so() -> None:
    packet = ipv4(A, B, udp(1, 2883, b"0123456789"), protocol=17)
    (found,) = read(Frame(packet[:32], original=len(packet), link_type=RAW))
    assert (found.payload, found.complete) == (b"0123", False)


def test_an_empty_datagram_and_ethernet_padding() -> None:
    (found,) = read(ipv4(A, B, udp(1, 2883, b""), protocol=17) + bytes(18))
    assert (found.payload, found.complete) == (b"", True)


def test_a_fragmented_datagram_is_told_once() -> None:
    whole = udp(1, 2883, b"x" * 3000)
    pieces = [
        ipv4(A, B, whole[s : s + 1480], protocol=17, ip_id=3, offset=s, more=s + 1480 < len(whole))
        for s in (0, 1480, 2960)
    ]
    (found,) = read(*pieces[::-1])
    assert (len(found.payload), found.frame, found.complete) == (3000, 3, True)


def test_what_is_not_wanted_is_left_out_early_and_tunnels_are_not() -> None:
    inside = ipv4(A, B, udp(9, 2883, b"inside"), protocol=17)
    vxlan = b"\x08" + bytes(7) + ethernet(inside)
    frames = [
        ipv4(A, B, udp(443, 50000, b"QUIC"), protocol=17),
        ipv4(A, B, udp(50000, 4789, vxlan), protocol=17),
        ipv4(A, B, udp(9, 2883, b"port"), protocol=17),
        ipv4(A, B, udp(5, 6, NOTIFY), protocol=17),
    ]
    block = columns([Frame(frame, link_type=RAW) for frame in frames])
    packets = PacketDecoder(lambda header: wanted(header, (2883,))).decode(block).udp
    assert packets.frame.tolist() == [2, 2, 3, 4]
    assert [each.payload for each in datagrams(packets, (2883,))] == [b"inside", b"port", NOTIFY]
