"""Each kind of evidence with one connection that shows it and a near miss that does not."""

from typing import Any

import pytest

from analyzer.timeline.attribution import afterlife, closing, gateway, reset, silence, stack, timing
from analyzer.timeline.attribution.weighing import OWN_ADDRESS, Clue, of_side, weigh
from dissectors.events import CLIENT, SERVER, Connection, PacketNote
from tests.analyzer.timeline.dialogue import ACK, FIN, RST, Dialogue, at, frame

MS = 0.001


def connection(
    *resets: dict[str, Any], notes: tuple[tuple[Any, ...], ...] = (), server: dict[str, Any] | None = None, **more: Any
) -> Connection:
    """A connection whose server has TTL 63 in 9 packets and a round trip of 10 ms. `notes`: time, side, flags, and
    perhaps position and length."""
    link = Dialogue().connect()
    for said in resets:
        link.rst(**said)
    tail = [
        PacketNote(side, frame(when), at(when), flags, (*rest, 0, 0)[0], (*rest, 0, 0)[1], 63)
        for when, side, flags, *rest in notes
    ]
    link.notes = sorted([*link.notes, *tail], key=lambda note: note.time_ns)
    return link.end(900, server=server, **more)


def rst(seconds: float = 50.0, side: int = SERVER, **said: Any) -> dict[str, Any]:
    return {"seconds": seconds, "side": side} | said


def kinds(c: Connection) -> list[str]:
    return [clue.kind for clue in reset.clues(c.resets[0], c)]


def judged(c: Connection) -> tuple[str, str]:
    clues = list(reset.clues(c.resets[0], c))
    return weigh([of_side(c.resets[0].side, OWN_ADDRESS), *(clue.weights for clue in clues)])


@pytest.mark.parametrize(
    ("ttl", "frames", "verdict"),
    [
        (63, 9, ("server_side", "likely")),
        (64, 9, ("unknown", "unknown")),  # one hop alone
        (253, 9, ("middlebox", "likely")),  # another family
        (55, 2, ("unknown", "unknown")),  # two packets say little about what is usual
    ],
)
def test_ttl(ttl: int, frames: int, verdict: tuple[str, str]) -> None:
    assert judged(connection(rst(ttl=ttl, has_ack=True), server={"frames": frames})) == verdict


def test_ttls_that_vary_hide_one_hop() -> None:
    c = connection(rst(ttl=64), server={"ttl_min": 62, "ttl_max": 63})
    clue = stack.ttl(c.resets[0], c)
    assert clue is not None
    assert clue.weights.middlebox < OWN_ADDRESS


def test_a_rst_faster_than_any_answer_of_the_peer() -> None:
    assert "rst_faster_than_round_trip" in kinds(connection(rst(after_side=CLIENT, after=1 * MS)))
    assert judged(connection(rst(after_side=CLIENT, after=1 * MS, ttl=64))) == ("middlebox", "proven")
    assert "rst_faster_than_round_trip" not in kinds(connection(rst(after_side=CLIENT, after=9 * MS)))
    assert "rst_faster_than_round_trip" not in kinds(connection(rst(after_side=SERVER, after=1 * MS)))
    near = connection(rst(after_side=CLIENT, after=0.1 * MS), server={"rtt_ns": 300_000})  # everybody is near
    assert timing.faster_than_round_trip(near.resets[0], near) is None


def test_the_peer_lives_on_after_its_rst() -> None:
    c = connection(rst(has_ack=True), notes=((58, SERVER, ACK, 100, 200),))
    assert afterlife.after_reset(c.resets[0], c) is not None
    assert judged(c) == ("middlebox", "likely")
    in_flight = connection(rst(has_ack=True), notes=((50.01, SERVER, ACK, 100, 200),))
    assert "alive_after_rst" not in kinds(in_flight)
    assert "alive_after_rst" not in kinds(connection(rst(), notes=((58, CLIENT, ACK),)))


def test_rsts_in_both_names_have_one_sender() -> None:
    pair = connection(rst(has_ack=True), rst(50.002, CLIENT, after_side=SERVER, after=2 * MS))
    assert "twin_rsts" in kinds(pair)
    assert judged(connection(rst(ttl=64), rst(50.002, CLIENT, after_side=SERVER)))[0] == "middlebox"
    assert "twin_rsts" not in kinds(connection(rst(), rst(50.5, CLIENT, after_side=SERVER, after=0.5)))


def test_a_rst_without_ack_right_after_our_packet_knows_no_connection() -> None:
    assert "state_lost" in kinds(connection(rst(after_side=CLIENT, after=9 * MS)))
    assert "state_lost" not in kinds(connection(rst(after_side=CLIENT, after=9 * MS, has_ack=True)))
    assert "state_lost" not in kinds(connection(rst(after_side=CLIENT, after=30)))
    closed = connection(rst(after_side=CLIENT, after=9 * MS), server={"fin_ns": at(40)})  # it had closed before
    assert "state_lost" not in kinds(closed)


def test_a_full_proxy_that_lost_the_connection_is_the_servers_side() -> None:
    assert judged(connection(rst(after_side=CLIENT, after=12 * MS))) == ("server_side", "possible")


def test_a_rst_out_of_silence() -> None:
    assert "rst_untriggered" in kinds(connection(rst(has_ack=True, after_side=SERVER, after=300)))
    assert "rst_untriggered" not in kinds(connection(rst(has_ack=True, after_side=CLIENT, after=9 * MS)))


def test_rsts_of_different_positions() -> None:
    """The positions stand in the notes of the last packets."""
    c = connection(rst(50), rst(50.001))
    notes = tuple(n._replace(relative_seq=100 * n.frame) for n in c.last_packets if n.flags & RST)

    assert "several_rsts" in kinds(c._replace(last_packets=notes))
    assert "several_rsts" not in kinds(c)


def test_a_rst_with_text_and_one_from_another_machine() -> None:
    from dataclasses import replace

    c = connection(rst(), server={"mac": "02:00:00:00:00:01"})
    said = replace(c.resets[0], payload_bytes=20, mac="02:00:00:00:00:02")
    clues = {clue.kind for clue in reset.clues(said, c)}
    assert {"rst_payload", "rst_mac_differs"} <= clues
    same = replace(said, payload_bytes=0, mac="02:00:00:00:00:01")
    assert not {"rst_payload", "rst_mac_differs"} & {clue.kind for clue in reset.clues(same, c)}


def test_close_notify_is_the_endpoints_own() -> None:
    c = connection(first_close="fin", side=SERVER, close_notify=899.9)
    (clue,) = closing.clues(SERVER, c.first_close_frame, c)
    assert clue.kind == "close_notify"
    assert weigh([of_side(SERVER, OWN_ADDRESS), clue.weights]) == ("server_side", "proven")


def test_a_fin_after_which_the_sender_goes_on_is_not_its_own() -> None:
    sent = ((30, SERVER, ACK, 100, 200), (40, SERVER, FIN | ACK, 300, 0))
    alive = connection(notes=(*sent, (50, SERVER, ACK, 300, 80)))
    assert afterlife.after_fin(SERVER, None, alive) is not None
    repeated = connection(notes=(*sent, (50, SERVER, ACK, 100, 200)))
    assert afterlife.after_fin(SERVER, None, repeated) is None


def test_repetitions_after_growing_pauses() -> None:
    times = (80, 80.2, 80.4, 80.8, 81.6, 83.2)
    c = connection(notes=tuple((t, SERVER, ACK, 500, 200) for t in times), server={"unanswered_retransmissions": 5})
    (clue,) = silence.clues(SERVER, c, ())
    assert "growing pauses (0.2, 0.2, 0.4, 0.8, 1.6 s)" in clue.detail
    assert weigh([clue.weights]) == ("path", "likely")


def test_keepalives_answered_and_not() -> None:
    data = (30, CLIENT, ACK, 100, 50)
    probe, reply = (60, CLIENT, ACK, 149, 0), (60.01, SERVER, ACK, 900, 0)
    answered = connection(notes=(data, probe, reply), client={"keepalives": 1})
    assert silence.answered_probes(answered, at(30)) is not None
    assert silence.unanswered_probes(CLIENT, answered) is None
    not_answered = connection(notes=(data, probe, (75, *probe[1:])), client={"keepalives": 2})
    assert silence.answered_probes(not_answered, at(30)) is None
    found = silence.unanswered_probes(CLIENT, not_answered)
    assert found is not None
    assert found.frames == (60_001, 75_001)


def test_packets_vanish_beyond_the_far_end() -> None:
    c = connection(client={"rtt_ns": 30_000_000}, server={"rtt_ns": 100_000})
    assert silence.beyond(SERVER, c) is not None
    assert silence.beyond(CLIENT, c) is None


@pytest.mark.parametrize(
    ("status", "server", "via", "by"),
    [
        (504, None, False, "middlebox"),
        (502, "nginx/1.22", False, "middlebox"),
        (503, "nginx", True, "middlebox"),
        (503, None, False, "unknown"),
        (503, "Microsoft-IIS/10.0", False, "server_side"),
        (408, "directpush-lab", False, "unknown"),
    ],
)
def test_who_writes_error_pages(status: int, server: str | None, via: bool, by: str) -> None:
    clues: list[Clue] = list(gateway.clues(status, gateway.Signature(server, via), (1, 2)))
    assert weigh([clue.weights for clue in clues])[0] == by
