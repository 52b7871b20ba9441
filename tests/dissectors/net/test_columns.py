"""Connections and their evidence. Each dialogue runs through the plain twin and through the columns for several block
sizes (`drive.both`).
"""

import pytest

from dissectors.net.columns import Connections
from dissectors.net.evidence import CLOSED_LIMIT_NS, IDLE_LIMIT_NS, conn_state
from dissectors.net.plain import PlainConnections
from tests.dissectors.net import drive
from tests.dissectors.net.dialogue import CLIENT, SERVER, Dialogue
from tests.dissectors.net.wire import ACK, FIN, MS, PSH, RST, SECOND, START, SYN


def whole() -> Dialogue:
    return (
        Dialogue().open().say(CLIENT, b"request").say(SERVER, b"answer").ack(CLIENT).fin(CLIENT).fin(SERVER).ack(CLIENT)
    )


def test_a_whole_connection() -> None:
    connection = whole().run()
    assert (connection.history, connection.conn_state, connection.from_start) == ("ShADdFf", "SF", True)
    assert (connection.client.payload_bytes, connection.server.payload_bytes) == (7, 6)
    assert (connection.client.frames, connection.server.frames) == (6, 3)
    assert (connection.first_close, connection.first_close_side, connection.first_close_frame) == ("fin", CLIENT, 7)
    assert (connection.handshake_ns, connection.client.rtt_ns, connection.server.rtt_ns) == (20 * MS, 10 * MS, 10 * MS)
    assert (connection.client.fin_frame, connection.server.fin_frame) == (7, 8)
    assert connection.client.unacked_bytes == connection.server.unacked_bytes == 0
    assert connection.client.missing_bytes == connection.server.missing_bytes == 0
    assert whole().texts() == (b"request", b"answer")
    assert (connection.first_frame, connection.last_frame, connection.evicted) == (1, 9, False)


@pytest.mark.parametrize(
    "isn", [(0xFFFFFFFF, 0xFFFFFFF0), (0xFFFFFFFE, 0), (0xFFFFFF00, 0xFFFFFFFF), (0x7FFFFFFF, 0x80000000)]
)
def test_sequence_numbers_wrap(isn: tuple[int, int]) -> None:
    dialogue = Dialogue(isn=isn).open()
    for number in range(5):
        dialogue.say(CLIENT, b"%d" % number * 100).say(SERVER, b"%d" % number * 77)
    assert dialogue.texts() == (b"".join(b"%d" % n * 100 for n in range(5)), b"".join(b"%d" % n * 77 for n in range(5)))
    connection = dialogue.run()
    assert (connection.client.payload_bytes, connection.server.payload_bytes) == (500, 385)
    assert connection.client.retransmissions == connection.client.missing_bytes == 0


def test_a_capture_that_begins_in_the_middle() -> None:
    dialogue = Dialogue().say(SERVER, b"late").ack(CLIENT).say(CLIENT, b"next")
    connection = dialogue.run()
    assert (connection.client.port, connection.from_start, connection.conn_state) == (40000, False, "OTH")
    assert dialogue.texts() == (b"next", b"late")


def test_only_one_side_was_captured() -> None:
    dialogue = Dialogue()
    dialogue.put(CLIENT, SYN).put(SERVER, SYN | ACK, lost=True).ack(CLIENT)
    dialogue.say(CLIENT, b"one").say(SERVER, b"unseen", lost=True).say(CLIENT, b"two")
    connection = dialogue.run()
    assert (connection.server.frames, connection.server.first_ns, connection.server.ttl_min) == (0, None, None)
    assert connection.client.unacked_bytes == 0, "nobody was there to acknowledge: not known, so not claimed"
    assert dialogue.texts() == (b"onetwo", b"")


def test_simultaneous_open_is_one_connection() -> None:
    dialogue = (
        Dialogue()
        .put(CLIENT, SYN)
        .put(SERVER, SYN)
        .put(CLIENT, SYN | ACK, seq=1000)
        .put(SERVER, SYN | ACK, seq=5000)
        .say(CLIENT, b"hi")
    )
    assert dialogue.run().client.payload_bytes == 2
    assert dialogue.texts() == (b"hi", b"")


def test_simultaneous_close_is_whole() -> None:
    dialogue = Dialogue().open().fin(CLIENT).put(SERVER, FIN | ACK, ack=1001).ack(CLIENT).ack(SERVER)
    connection = dialogue.run()
    assert (connection.conn_state, connection.first_close_side) == ("SF", CLIENT)


def test_a_syn_with_another_number_is_a_new_connection() -> None:
    first, second = whole(), Dialogue(isn=(90000, 70000)).open().say(CLIENT, b"again")
    second.frames = [type(f)(f.data, f.time_ns + SECOND, f.original, f.link_type) for f in second.frames]
    connections, recorders = drive.both(first.frames + second.frames)
    assert [each.client.payload_bytes for each in connections] == [7, 5]
    assert recorders[2].text(CLIENT) == b"again"


def test_a_repeated_syn_is_the_same_connection() -> None:
    dialogue = (
        Dialogue()
        .put(CLIENT, SYN, moves=False)
        .wait(SECOND)
        .put(CLIENT, SYN, moves=False)
        .wait(2 * SECOND)
        .put(CLIENT, SYN)
    )
    connection = dialogue.run()
    assert (connection.client.frames, connection.conn_state, connection.history) == (3, "S0", "S")


def test_a_syn_that_was_captured_after_its_answer_belongs_to_it() -> None:
    dialogue = Dialogue().open().say(CLIENT, b"x")
    a, b = dialogue.frames[:2]
    dialogue.frames[:2] = [type(a)(b.data, a.time_ns, b.original), type(b)(a.data, b.time_ns, a.original)]
    connection = dialogue.run()
    assert (connection.client.port, connection.from_start, connection.client.payload_bytes) == (40000, True, 1)


def test_ports_used_again_after_long_silence_without_a_syn() -> None:
    dialogue = Dialogue().open().fin(CLIENT).fin(SERVER).wait(CLOSED_LIMIT_NS + SECOND).say(CLIENT, b"who?")
    connections, _ = dialogue.all()
    assert [each.conn_state for each in connections] == ["SF", "OTH"]
    assert [each.evicted for each in connections] == [False, False]


@pytest.mark.parametrize(("silence", "count"), [(IDLE_LIMIT_NS - SECOND, 1), (IDLE_LIMIT_NS + SECOND, 2)])
def test_an_open_connection_is_given_up_only_after_two_hours(silence: int, count: int) -> None:
    connections, _ = Dialogue().open().say(CLIENT, b"wait").wait(silence).say(SERVER, b"late").all()
    assert len(connections) == count
    assert connections[0].evicted == (count == 2)


def test_a_59_minute_heartbeat_is_one_connection() -> None:
    dialogue = (
        Dialogue().open().say(CLIENT, b"ping").ack(SERVER).wait(59 * 60 * SECOND).say(SERVER, b"nothing").ack(CLIENT)
    )
    assert dialogue.texts() == (b"ping", b"nothing")


def test_keepalives_are_counted_and_carry_no_payload() -> None:
    dialogue = Dialogue().open().say(CLIENT, b"ab").ack(SERVER)
    for _ in range(3):
        dialogue.wait(45 * SECOND).keepalive(CLIENT).ack(SERVER).wait(45 * SECOND).keepalive(SERVER, b"\0").ack(CLIENT)
    connection = dialogue.run()
    # a keep-alive without a byte is told apart by its number, one with a byte too; neither is a retransmission
    assert (connection.client.keepalives, connection.server.keepalives) == (3, 3)
    assert connection.client.retransmissions == connection.server.retransmissions == 0
    assert dialogue.texts() == (b"ab", b"")


def test_a_zero_window_probe_carries_its_byte_once() -> None:
    dialogue = Dialogue().open().say(CLIENT, b"ab").put(SERVER, ACK, window=0)
    dialogue.wait(SECOND).put(CLIENT, ACK, b"c", moves=False).put(SERVER, ACK, window=0, ack=1003)
    dialogue.wait(SECOND).say(CLIENT, b"cdef").ack(SERVER)
    connection = dialogue.run()
    assert (connection.server.zero_windows, connection.client.payload_bytes, connection.client.retransmissions) == (
        2,
        6,
        1,
    )
    assert dialogue.texts() == (b"abcdef", b"")


def test_a_retransmission_is_counted_and_told_once() -> None:
    dialogue = Dialogue().open().say(CLIENT, b"abc", moves=False).wait(SECOND).say(CLIENT, b"abc").ack(SERVER)
    connection = dialogue.run()
    assert (
        connection.client.retransmissions,
        connection.client.payload_bytes,
        connection.client.unanswered_retransmissions,
    ) == (1, 3, 0)
    assert dialogue.texts() == (b"abc", b"")


def test_a_late_segment_within_3_ms_is_reordering_and_not_a_retransmission() -> None:
    dialogue = Dialogue().open()
    dialogue.gap_ns = MS
    dialogue.say(CLIENT, b"def", seq=1004).say(CLIENT, b"abc", seq=1001)
    assert dialogue.run().client.retransmissions == 0
    assert dialogue.texts() == (b"abcdef", b"")


def test_what_was_lost_is_missing_and_not_padded() -> None:
    dialogue = Dialogue().open().say(CLIENT, b"abc").say(CLIENT, b"lost", lost=True).say(CLIENT, b"def").ack(SERVER)
    connection = dialogue.run()
    assert (connection.client.missing_bytes, connection.client.payload_bytes) == (4, 6)
    assert dialogue.texts() == (b"abc<4>def", b"")


@pytest.mark.parametrize("keep", [0, 1, 9])
def test_a_cut_frame_is_missing_bytes(keep: int) -> None:
    dialogue = Dialogue().open().say(CLIENT, b"0123456789", keep=keep).ack(SERVER).say(CLIENT, b"x")
    connection = dialogue.run()
    assert (connection.client.missing_bytes, connection.client.payload_bytes) == (10 - keep, keep + 1)
    assert dialogue.texts() == (b"0123456789"[:keep] + b"<%d>x" % (10 - keep), b"")


def test_silence_after_the_request_is_a_black_hole() -> None:
    """As in b_blackhole: the last bytes are repeated again and again and nobody answers."""
    dialogue = Dialogue().open().say(CLIENT, b"ping").ack(SERVER).wait(30 * SECOND)
    lost_ns = dialogue.now_ns
    dialogue.say(CLIENT, b"are you there", moves=False)
    for doubling in range(5):
        dialogue.wait((SECOND << doubling) // 5).say(CLIENT, b"are you there", moves=False)
    connection = dialogue.run()
    assert (connection.client.unanswered_retransmissions, connection.client.unacked_bytes) == (5, 13)
    assert connection.client.unanswered_since_ns == lost_ns
    assert (connection.conn_state, connection.first_close) == ("S1", None)


def test_an_answer_ends_the_count_of_unanswered_retransmissions() -> None:
    dialogue = Dialogue().open().say(CLIENT, b"ping", moves=False).wait(SECOND).say(CLIENT, b"ping").ack(SERVER)
    connection = dialogue.run()
    assert (
        connection.client.retransmissions,
        connection.client.unanswered_retransmissions,
        connection.client.unacked_bytes,
    ) == (1, 0, 0)


def test_a_reset_keeps_what_is_needed_to_judge_its_sender() -> None:
    dialogue = Dialogue().open().say(CLIENT, b"ping").put(SERVER, RST, ttl=250, mac=0x02AA00000009, seq=5001, window=0)
    connection = dialogue.run()
    (reset,) = connection.resets
    assert (reset.side, reset.frame, reset.has_ack, reset.ttl, reset.mac, reset.window) == (
        SERVER,
        5,
        False,
        250,
        "02:aa:00:00:00:09",
        0,
    )
    assert (reset.after_frame, reset.after_side, reset.after_ns) == (4, CLIENT, 10 * MS)
    assert (connection.server.ttl_min, connection.server.ttl_max, connection.server.macs_differ) == (57, 57, False), (
        "the others' only"
    )
    assert (connection.first_close, connection.first_close_side, connection.conn_state) == ("rst", SERVER, "RSTR")


def test_another_ttl_and_mac_of_the_same_sender_show() -> None:
    connection = Dialogue().open().say(SERVER, b"a").say(SERVER, b"b", ttl=250, mac=0x02AA00000009).run()
    assert (connection.server.ttl_min, connection.server.ttl_max, connection.server.macs_differ) == (57, 250, True)
    assert connection.server.mac == "02:00:00:00:00:02"


def test_millions_of_resets_are_not_all_kept() -> None:
    dialogue = Dialogue().open()
    for _ in range(100):
        dialogue.rst(SERVER)
    assert len(dialogue.run().resets) == 16


def test_a_frame_captured_twice_counts_once() -> None:
    """As `-i any` and mirror ports do it: each packet again, at once."""
    dialogue = whole()
    dialogue.frames = [copy for frame in dialogue.frames for copy in (frame, frame)]
    connection = dialogue.run()
    assert (connection.client.frames, connection.client.duplicate_frames, connection.client.retransmissions) == (
        6,
        6,
        0,
    )
    assert (connection.server.frames, connection.server.duplicate_frames) == (3, 3)
    assert dialogue.texts() == (b"request", b"answer")


def test_the_same_bytes_sent_again_are_no_copy() -> None:
    dialogue = Dialogue().open().say(CLIENT, b"abc", moves=False).wait(SECOND // 2).say(CLIENT, b"abc")
    connection = dialogue.run()
    assert (connection.client.duplicate_frames, connection.client.retransmissions) == (0, 1)


def test_a_super_frame_larger_than_64_kib_is_one_segment() -> None:
    big = bytes(range(256)) * 300
    dialogue = Dialogue().open()
    dialogue.say(SERVER, big).ack(CLIENT)
    assert dialogue.run().server.payload_bytes == len(big)
    assert dialogue.texts() == (b"", big)


def test_data_with_the_syn_and_with_the_fin_is_payload() -> None:
    dialogue = (
        Dialogue().put(CLIENT, SYN, b"fast").put(SERVER, SYN | ACK).put(CLIENT, FIN | ACK | PSH, b"bye").fin(SERVER)
    )
    assert dialogue.texts() == (b"fastbye", b"")
    connection = dialogue.run()
    assert (connection.client.payload_bytes, connection.conn_state) == (7, "SF")


def test_a_payload_in_a_reset_is_not_data() -> None:
    dialogue = Dialogue().open().put(SERVER, RST | ACK, b"go away")
    assert dialogue.run().resets[0].payload_bytes == 7
    assert dialogue.all()[1] == {}


def test_garbage_far_out_of_the_window_is_ignored() -> None:
    dialogue = (
        Dialogue()
        .open()
        .say(CLIENT, b"abc")
        .put(CLIENT, ACK, b"garbage", seq=1004 + (1 << 30) + 9)
        .say(CLIENT, b"def")
        .ack(SERVER)
    )
    assert dialogue.texts() == (b"abcdef", b"")
    assert dialogue.run().client.missing_bytes == 0


def test_a_garbage_fin_does_not_shift_the_bytes_that_follow() -> None:
    dialogue = (
        Dialogue()
        .open()
        .say(CLIENT, b"abc")
        .put(CLIENT, FIN | ACK, seq=(1 << 31) + 5)
        .say(CLIENT, b"def")
        .say(CLIENT, b"ghi")
        .ack(SERVER)
    )
    assert dialogue.texts() == (b"abcdefghi", b"")


def test_gigabytes_in_one_block_of_a_capture_with_a_short_snap_length() -> None:
    jumps = Dialogue().open()
    for number in range(12):  # 2.3 GiB, more than half of the sequence space
        jumps.next[SERVER] = (jumps.next[SERVER] + 200 * (1 << 20)) & 0xFFFFFFFF
        jumps.say(SERVER, b"%02d" % number).ack(CLIENT)
    connection = jumps.run()
    assert connection.server.payload_bytes == 24
    assert connection.server.missing_bytes == 12 * 200 * (1 << 20)
    assert connection.server.unacked_bytes == 0


def test_a_clock_that_goes_back_ends_nothing_and_makes_no_negative_time() -> None:
    dialogue = Dialogue().open().say(CLIENT, b"before").wait(-6 * 3600 * SECOND).say(SERVER, b"after").ack(CLIENT)
    connection = dialogue.run()
    assert dialogue.texts() == (b"before", b"after")
    assert connection.server.rtt_ns == 10 * MS, "from the handshake"


def test_packets_of_equal_time_complete_the_handshake_in_frame_order() -> None:
    dialogue = Dialogue()
    dialogue.gap_ns = 0
    dialogue.put(CLIENT, SYN).put(CLIENT, ACK, seq=1001, ack=5001).put(SERVER, SYN | ACK).wait(5 * MS).ack(CLIENT)
    assert dialogue.run().handshake_ns == 5 * MS


def test_who_is_the_client_without_a_syn_is_told_by_the_ports() -> None:
    assert Dialogue(ports=(50000, 8443)).say(SERVER, b"x").run().client.port == 50000


def test_the_last_packets_are_kept_for_the_eye() -> None:
    connection = whole().run()
    assert [note.frame for note in connection.last_packets] == list(range(1, 10))
    assert [note.relative_seq for note in connection.last_packets if note.side == CLIENT] == [0, 1, 1, 8, 8, 9]


def test_the_last_twelve_packets_are_kept() -> None:
    dialogue = Dialogue().open()
    for _ in range(50):
        dialogue.say(CLIENT, b"x")
    assert [note.frame for note in dialogue.run().last_packets] == list(range(42, 54))


@pytest.mark.parametrize(
    ("history", "state"),
    [
        # Zeek, base/protocols/conn: S0 attempt without reply; S1 established; SF normal; REJ rejected; S2/S3
        # one side closed;
        # RSTO/RSTR aborted; RSTOS0 SYN then RST of the originator; RSTRH SYN ACK then RST, no SYN; SH SYN
        # then FIN; SHR; OTH
        ("S", "S0"),
        ("Sh", "S1"),
        ("ShA", "S1"),
        ("ShADad", "S1"),
        ("ShADadFf", "SF"),
        ("ShADadfF", "SF"),
        ("Sr", "REJ"),
        ("ShADF", "S2"),
        ("ShADf", "S3"),
        ("ShADR", "RSTO"),
        ("ShADr", "RSTR"),
        ("ShR", "RSTO"),
        ("SR", "RSTOS0"),
        ("hr", "RSTRH"),
        ("SF", "SH"),
        ("hf", "SHR"),
        ("DdA", "OTH"),
        ("", "OTH"),
        ("ShADFfR", "RSTO"),
        ("ShADFr", "RSTR"),
    ],
)
def test_conn_state_means_what_zeek_says(history: str, state: str) -> None:
    assert conn_state(history) == state


@pytest.mark.parametrize("tracker", [Connections, PlainConnections])
def test_too_many_open_connections_evict_the_stalest(tracker: type[Connections]) -> None:
    frames = [
        Dialogue(ports=(40000 + number, 443)).wait(number * SECOND).put(CLIENT, SYN).frames[0] for number in range(20)
    ]
    connections, _ = drive.run(drive.cut(frames, 1), tracker, max_open=5)
    assert [each.evicted for each in connections] == [True] * 15 + [False] * 5


def test_ids_follow_the_first_frames() -> None:
    talks = [
        Dialogue(ports=(41000 - number, 443), addresses=ends).wait(number * MS).open()
        for number, ends in enumerate([("10.0.0.1", "192.0.2.7"), ("fd00::1", "2001:db8::7")] * 10)
    ]
    frames = sorted((frame for talk in talks for frame in talk.frames), key=lambda frame: frame.time_ns)
    connections, _ = drive.both(frames)
    assert [each.client.port for each in connections] == [41000 - number for number in range(20)]
    assert connections[0].start_ns == START
    assert RST not in {note.flags for each in connections for note in each.last_packets}


def test_an_acknowledgement_that_ends_the_interest_ends_it_at_once() -> None:
    """It gives up a hole, and what waited behind it is more than the stream wants; the other side's hole comes later
    and is not looked at any more.
    """
    dialogue = Dialogue().open().say(CLIENT, b"1")
    dialogue.say(CLIENT, b"lost", lost=True).say(CLIENT, b"x" * 100)
    dialogue.say(SERVER, b"lost, too", lost=True).say(SERVER, b"y" * 100)  # acknowledges the client's hole
    dialogue.ack(CLIENT).wait(2 * SECOND).ack(SERVER).wait(2 * SECOND).say(SERVER, b"z")
    for tracker in (Connections, PlainConnections):
        (connection,), recorders = drive.run(drive.cut(dialogue.frames, drive.WHOLE), tracker, budget=50)
        assert recorders[1].text(CLIENT) == b"1<4>" + b"x" * 100
        assert recorders[1].text(SERVER) == b""
        assert (connection.client.missing_bytes, connection.server.missing_bytes) == (4, 9)
