"""Segments left out of recordings: what comes behind them is decrypted again, and what was lost is said.

Nonces and IVs on the wire tell the position; sequence numbers are found by trying. In TLS 1.0 the IV is the end of the
record before: where that is lost, the first block is, too, unless the empty record that OpenSSL puts before each one is
there to begin with.
"""

from pathlib import Path

import pytest

from dissectors.events import CLIENT, SERVER
from tests.support.tls_recording.packets import Packet, write_pcap
from tests.support.tls_recording.recorder import Scenario, Visit, exchange
from tests.tls_live.conftest import Record
from tests.tls_live.losing import Lossy, Sealed
from tests.tls_live.reading import Read, bodies, connections, events, keys_from
from tests.tls_live.scenarios import BLOCK, NAMED, by_name, is_quick, marked, suite_of

EXCHANGES = 12
SMALL_MSS = 536  # an answer takes three segments


def talk_of(name: str, *, etm: bool = True) -> Scenario:
    """A dozen exchanges, each message a record."""
    full = f"dozen, {name}" + ("" if etm else " without EtM")
    steps = tuple(step for number in range(EXCHANGES) for step in exchange(f"{full} {number}", 700, 1400))
    options = () if etm else ("-no_etm",)
    return Scenario(name=full, suite=suite_of(name), server=options, client=options, visits=(Visit(talk=steps),))


TALKS = [(name, True) for name in NAMED] + [(name, False) for name in BLOCK]


@pytest.fixture(
    params=[
        pytest.param(
            (name, etm), id=name + ("" if etm else " without EtM"), marks=[] if is_quick(name) else pytest.mark.slow
        )
        for name, etm in TALKS
    ]
)
def dozen(request: pytest.FixtureRequest, record: Record) -> Lossy:
    name, etm = request.param
    return Lossy(record(talk_of(name, etm=etm)), SMALL_MSS)


def pick(lossy: Lossy, what: str) -> list[Packet]:
    """The packets that are lost."""
    answers, requests = lossy.spoken(SERVER), lossy.spoken(CLIENT)
    whole = lossy.segments(SERVER, answers[5].start, answers[5].end)
    return {
        "the first segment of an answer": whole[:1],
        "a middle segment of an answer": whole[1:2],
        "the last segment of an answer": whole[-1:],
        "a whole answer": whole,
        "a request": lossy.segments(CLIENT, requests[5].start, requests[5].end),
        "three answers": lossy.segments(SERVER, answers[4].start, answers[6].end),
        "two answers apart": whole + lossy.segments(SERVER, answers[8].start, answers[8].end),
        "both sides": whole + lossy.segments(CLIENT, requests[6].start, requests[6].end),
        "all but the last answer": lossy.segments(SERVER, answers[1].start, answers[-2].end),
    }[what]


LOSSES = [
    "the first segment of an answer",
    "a middle segment of an answer",
    "the last segment of an answer",
    "a whole answer",
    "a request",
    "three answers",
    "two answers apart",
    "both sides",
    "all but the last answer",
]


def check_survivors(lossy: Lossy, lost: list[Packet], found: Read) -> None:
    """Every record that is whole in the capture is read, and nothing else is called authentic."""
    assert found.verdict == ("partial", "gap")
    for side in (CLIENT, SERVER):
        authentic = [piece.data for piece in found.pieces if piece.side == side and piece.authentic and piece.data]
        assert authentic == [record.plain for record in lossy.survivors(side, lost) if record.plain]
        for piece in found.pieces:  # what is read of a cut record is true as well
            if piece.side == side and not piece.authentic and piece.data:
                assert piece.data in lossy.recording.sent[0][side]


def check_amount(lossy: Lossy, lost: list[Packet], found: Read) -> None:
    """How much plaintext is missing is said to within the padding of the records; on the side where it is missing."""
    block = 0 if lossy.recording.scenario.suite.mac == "AEAD" else 32  # the padding, and the unknown of one more block
    for side in (CLIENT, SERVER):
        kept = lossy.survivors(side, lost)
        records = [record for record in lossy.records[side] if record not in kept]
        read = sum(len(piece.data) for piece in found.pieces if piece.side == side and not piece.authentic)
        true = sum(len(record.plain) for record in records) - read
        said = sum(piece.missing for piece in found.pieces if piece.side == side)
        assert abs(said - true) <= block * len(records)


@pytest.mark.parametrize("what", LOSSES)
def test_behind_a_loss_decryption_goes_on(dozen: Lossy, what: str) -> None:
    lost = pick(dozen, what)
    found = dozen.read(lost)
    check_survivors(dozen, lost, found)
    check_amount(dozen, lost, found)


@pytest.mark.parametrize("what", LOSSES)
def test_behind_a_loss_transactions_go_on(dozen: Lossy, what: str, tmp_path: Path) -> None:
    lost = pick(dozen, what)
    capture = write_pcap(tmp_path / "lossy.pcap", [[packet for packet in dozen.packets if packet not in lost]])
    found = events(capture, keys_from(dozen.recording.keylog))
    (connection,) = connections(found)
    assert (connection.decryption, connection.why_encrypted) == ("partial", "gap")
    missing = [sum(len(packet.payload) for packet in lost if packet.side == side) for side in (CLIENT, SERVER)]
    assert [connection.client.missing_bytes, connection.server.missing_bytes] == missing
    whole: tuple[set[bytes], set[bytes]] = (set(), set())
    for side in (CLIENT, SERVER):
        whole[side].update(body_of(record) for record in dozen.survivors(side, lost) if record.plain)
    read = bodies(found)
    assert {request for request, _ in read if request} == whole[CLIENT]
    assert {response for _, response in read if response} == whole[SERVER]
    if what != "both sides":
        assert_nobody_elses(dozen, read)


def assert_nobody_elses(lossy: Lossy, read: list[tuple[bytes | None, bytes | None]]) -> None:
    """An answer never goes to another one's request."""
    asked, answered = ([body_of(record) for record in lossy.spoken(side)] for side in (CLIENT, SERVER))
    true = dict(zip(asked, answered, strict=True))
    for request, response in read:
        if request and response:
            assert true[request] == response


def body_of(record: Sealed) -> bytes:
    return record.plain.partition(b"\r\n\r\n")[2]


@pytest.mark.xfail(
    strict=True,
    reason="dissectors.http gives the first answer behind a gap to the request before it, although the next request, "
    "whose answer it is, is missing as well",
)
def test_an_answer_does_not_go_to_the_request_before_a_lost_one(record: Record, tmp_path: Path) -> None:
    lossy = Lossy(record(talk_of("1.3 gcm")), SMALL_MSS)
    lost = pick(lossy, "both sides")
    capture = write_pcap(tmp_path / "lossy.pcap", [[packet for packet in lossy.packets if packet not in lost]])
    assert_nobody_elses(lossy, bodies(events(capture, keys_from(lossy.recording.keylog))))


@pytest.mark.parametrize("name", marked(NAMED))
@pytest.mark.parametrize("every", [7, 40])
def test_a_long_answer_with_many_holes_is_read_between_them(record: Record, name: str, every: int) -> None:
    lossy = Lossy(record(by_name(f"large, {name}")))
    answer = lossy.spoken(SERVER)
    segments = lossy.segments(SERVER, answer[1].start, answer[-2].end)
    lost = segments[every::every]
    found = lossy.read(lost)
    check_survivors(lossy, lost, found)
    check_amount(lossy, lost, found)


@pytest.mark.parametrize("name", marked(NAMED))
def test_a_burst_in_a_long_answer_costs_no_more_than_itself(record: Record, name: str) -> None:
    lossy = Lossy(record(by_name(f"large, {name}")))
    answer = lossy.spoken(SERVER)
    segments = lossy.segments(SERVER, answer[3].start, answer[-5].end)
    lost = segments[10:-10]
    found = lossy.read(lost)
    check_survivors(lossy, lost, found)
    check_amount(lossy, lost, found)


LOOK_ALIKES = {  # five bytes that could begin a record of TLS 1.0, and what is announced behind them
    "longer than all that follows": b"\x17\x03\x01\x40\x00",
    "that ends inside the next record": b"\x17\x03\x01\x05\x00",
    "of another version": b"\x17\x03\x02\x40\x00",
    "one after the other": b"\x17\x03\x01\x00\x20" * 9,
    "an alert": b"\x15\x03\x01\x00\x02",
}


@pytest.mark.parametrize("what", LOOK_ALIKES)
def test_data_that_looks_like_a_header_does_not_stop_the_search(record: Record, what: str) -> None:
    """Ciphertext does so by chance, here and there; NULL suites let us say what is on the wire."""
    full = f"look-alike {what}"
    (request, answer), after = exchange(f"{full} 0", 700, 1400), exchange(f"{full} 1", 700, 1400)
    middle = len(answer.data) // 2 + 300
    tricky = answer._replace(data=answer.data[:middle] + LOOK_ALIKES[what] + answer.data[middle:])
    talk = (*exchange(f"{full} before"), request, tricky, *after, *exchange(f"{full} after"))
    lossy = Lossy(record(Scenario(name=full, suite=suite_of("1.0 null"), visits=(Visit(talk=talk),))), SMALL_MSS)
    spoken = lossy.spoken(SERVER)[1]
    lost = lossy.segments(SERVER, spoken.start, spoken.end)[:1]
    assert spoken.start + len(lost[0].payload) < spoken.start + middle
    found = lossy.read(lost)
    check_survivors(lossy, lost, found)
    check_amount(lossy, lost, found)
