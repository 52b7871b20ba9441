"""One connection at two points: who ended it, by talks whose truth is how they were made."""

from pathlib import Path

import pytest

from analyzer.pair import Pair, Pairing, pair
from analyzer.pair.segments import BOTH, LOST, NOT_CAPTURED, RECUT, REPAIRED, UNCOVERED
from analyzer.pair.summary import summarise
from analyzer.pair.words import short, story
from dissectors.events import CLIENT, SERVER
from tests.analyzer.pair.views import Clocks, Talk, write
from tests.dissectors.net.wire import ACK, PSH, SECOND

ODD = Clocks(-77 * SECOND, 50e-6)


def compared(directory: Path, *talks: Talk) -> Pairing:
    return pair(*write(directory, *talks))


def only(directory: Path, talk: Talk) -> Pair:
    """The talk's pair; a second connection before and after it shows that both captures were running."""
    around = Talk(talk.clocks, port=41000, isn=(70000, 90000)).open(-5.0).exchanges(60, 5.0, -4.0)
    return next(one for one in compared(directory, talk, around).pairs if one.device.client.port == talk.port)


@pytest.mark.parametrize("clocks", [Clocks(), ODD], ids=["same clock", "odd clock"])
def test_reset_that_nobody_sent_comes_from_between(tmp_path: Path, clocks: Clocks) -> None:
    talk = Talk(clocks).open().exchanges(5).say(10.0, CLIENT, b"a wait begins here")
    talk.reset(70.0, SERVER, where="far", ttl=61).reset(70.0, CLIENT, where="far", ttl=61)
    found = only(tmp_path, talk)
    ending = found.ending
    assert (ending.by, ending.how, ending.towards, ending.grade) == ("between", "rst", ("device", "server"), "proven")
    assert ending.idle_ns == pytest.approx(60 * SECOND, abs=0.1 * SECOND)
    assert short(found) == "RST from between to both sides"
    assert "Both sides got a RST that nobody sent" in story(found)
    assert "TTL 61" in story(found)


@pytest.mark.parametrize("towards", [CLIENT, SERVER])
def test_reset_towards_one_side_is_not_the_other_sides(tmp_path: Path, towards: int) -> None:
    talk = Talk(ODD).open().exchanges(5)
    talk.reset(70.0, 1 - towards, where="far")
    ending = only(tmp_path, talk).ending
    assert (ending.by, ending.towards) == ("between", (("device", "server")[towards],))


@pytest.mark.parametrize(("side", "name"), [(CLIENT, "device"), (SERVER, "server")])
def test_reset_that_was_sent_and_arrived_is_its_senders(tmp_path: Path, side: int, name: str) -> None:
    ending = only(tmp_path, Talk(ODD).open().exchanges(5).reset(70.0, side)).ending
    assert (ending.by, ending.how, ending.grade, ending.undelivered) == (name, "rst", "proven", False)


@pytest.mark.parametrize(("side", "name"), [(CLIENT, "device"), (SERVER, "server")])
def test_close_that_never_arrived_is_still_its_senders(tmp_path: Path, side: int, name: str) -> None:
    ending = only(tmp_path, Talk(ODD).open().exchanges(5).close(70.0, side, where="near")).ending
    assert (ending.by, ending.how, ending.undelivered) == (name, "fin", True)


def test_answer_that_is_repeated_in_vain_was_dropped_between(tmp_path: Path) -> None:
    talk = Talk(ODD).open().exchanges(5).say(10.0, CLIENT, b"a wait begins here")
    for at in (60.0, 60.3, 60.9, 62.1):
        talk.say(at, SERVER, b"the answer that nobody gets", where="near")
    found = only(tmp_path, talk)
    assert (found.ending.by, found.ending.how, found.ending.forgotten) == ("between", "silent", True)
    assert found.ending.idle_ns == pytest.approx(50 * SECOND, abs=0.1 * SECOND)
    assert found.comparison.flows[SERVER].count(LOST) == 4


def test_one_lost_packet_at_the_end_accuses_nobody(tmp_path: Path) -> None:
    talk = Talk(ODD).open().exchanges(5).say(60.0, SERVER, b"the answer that nobody gets", where="near")
    assert only(tmp_path, talk).ending.by == "nobody"


def test_whole_path_that_is_down_is_not_a_forgotten_connection(tmp_path: Path) -> None:
    talk = Talk(ODD).open().exchanges(5)
    for at in (60.0, 60.3, 60.9, 62.1):
        talk.say(at, SERVER, b"the answer that nobody gets", where="near")
    later = Talk(ODD, port=41000, isn=(7000, 9000)).open(100.0).exchanges(3, 1.0, 101.0)
    found = compared(tmp_path, talk, later).pairs[0]
    assert found.ending.by == "path"
    assert "all of its path may have been down" in story(found)


def test_packet_that_was_acknowledged_was_not_dropped(tmp_path: Path) -> None:
    talk = Talk(ODD).open().exchanges(5)
    talk.packet(60.0, SERVER, PSH | ACK, b"the device's capture lost this", where="near")
    talk.sent[SERVER] += 30
    talk.packet(60.02, CLIENT, ACK)
    found = only(tmp_path, talk)
    assert found.comparison.flows[SERVER].count(NOT_CAPTURED) == 1
    assert found.comparison.flows[SERVER].count(LOST) == 0
    assert found.signs.missing == (1, 0)
    assert found.ending.by == "nobody"


def test_capture_that_lacks_a_sides_packets_is_no_witness_against_it(tmp_path: Path) -> None:
    talk = Talk(ODD).open()
    for number in range(6):  # the server's capture has nothing of what the server sends
        talk.say(1.0 + number, CLIENT, b"request %04d of the device" % number)
        talk.packet(1.05 + number, SERVER, PSH | ACK, b"answer %04d of the server" % number, where="far")
        talk.sent[SERVER] += 25
        talk.packet(1.06 + number, CLIENT, ACK)
    talk.reset(70.0, SERVER, where="far")
    assert only(tmp_path, talk).ending.by == "unknown"


def test_reset_after_the_other_capture_has_ended_says_nothing(tmp_path: Path) -> None:
    talk = Talk(ODD).open().exchanges(5).reset(70.0, SERVER, where="far")
    found = compared(tmp_path, talk).pairs[0]
    assert found.comparison.flows[SERVER].count(UNCOVERED, far=True) == 1
    assert found.ending.by == "unknown"


def test_endpoint_that_closed_first_is_not_excused_by_the_reset_of_a_box(tmp_path: Path) -> None:
    talk = Talk(ODD).open().exchanges(5)
    talk.close(70.0, CLIENT, where="near")
    talk.reset(70.02, CLIENT, where="far")  # the box tells the server in its own way
    assert only(tmp_path, talk).ending.by == "device"


def test_packets_cut_by_offload_are_the_same_bytes(tmp_path: Path) -> None:
    talk = Talk(ODD).open().exchanges(5).say(6.0, SERVER, bytes(range(256)) * 20, pieces=1448)
    flow = only(tmp_path, talk.close(7.0, CLIENT)).comparison.flows[SERVER]
    assert flow.count(RECUT) == 1
    assert flow.count(RECUT, far=True) == 4
    assert flow.count(LOST) == 0


def test_packet_that_was_sent_again_is_repaired(tmp_path: Path) -> None:
    talk = Talk(ODD).open().exchanges(5)
    talk.say(6.0, SERVER, b"lost the first time", where="near").say(6.3, SERVER, b"lost the first time")
    flow = only(tmp_path, talk.close(7.0, CLIENT)).comparison.flows[SERVER]
    assert (flow.count(REPAIRED), flow.count(LOST)) == (1, 0)


def test_equal_packets_are_paired_one_by_one(tmp_path: Path) -> None:
    talk = Talk(ODD).open().exchanges(3)
    for at in (5.0, 5.001):  # two RSTs that nothing tells apart, faster than the way between the points
        talk.reset(at, CLIENT)
    found = only(tmp_path, talk)
    assert found.comparison.flows[CLIENT].count(BOTH, far=True) == len(found.comparison.flows[CLIENT].far)
    assert found.ending.by == "device"


def test_firewall_that_changes_numbers_is_seen_through(tmp_path: Path) -> None:
    talk = Talk(ODD, shift=(0, 123_456_789)).open().exchanges(5).reset(70.0, SERVER, where="far")
    found = only(tmp_path, talk)
    assert (found.kind, found.by, found.ending.by) == ("renumbered", "sequence_numbers", "between")


def test_firewall_that_changes_both_sides_numbers_is_found_by_content(tmp_path: Path) -> None:
    talk = Talk(ODD, shift=(99, 123_456_789)).open().exchanges(5).close(70.0, SERVER)
    found = only(tmp_path, talk)
    assert (found.kind, found.by, found.ending.by) == ("renumbered", "content", "server")


def test_numbers_that_go_around_do_not_matter(tmp_path: Path) -> None:
    talk = Talk(ODD, isn=(0xFFFFFFF0, 0xFFFFFFFE)).open().exchanges(5).close(10.0, CLIENT)
    found = only(tmp_path, talk)
    assert [flow.count(BOTH) for flow in found.comparison.flows] == [len(flow.near) for flow in found.comparison.flows]


def test_captures_that_begin_in_the_middle_are_matched(tmp_path: Path) -> None:
    talk = Talk(ODD).open().exchanges(8).reset(70.0, SERVER, where="far")
    del talk.device[:9], talk.server[:4]
    assert only(tmp_path, talk).ending.by == "between"


def test_smaller_segment_size_on_the_way_is_told(tmp_path: Path) -> None:
    talk = Talk(ODD, mss=(1460, 1400)).open().exchanges(5).close(70.0, CLIENT)
    summary = summarise(compared(tmp_path, talk))
    assert "MSS 1460 → 1400" in "\n".join(summary.reasons)
    assert summary.headline == "Nothing between the two captures cuts connections."


def test_idle_timer_between_is_an_interval(tmp_path: Path) -> None:
    talks = []
    for number, idle in enumerate((30.0, 45.0)):
        talk = Talk(ODD, port=42000 + number, isn=(number << 20, number << 24)).open(number * 200.0)
        talk.say(number * 200.0 + 1, CLIENT, b"a request of some bytes").say(
            number * 200.0 + 1 + idle, SERVER, b"answered"
        )
        talks.append(talk)
    dead = Talk(ODD, port=43000, isn=(1 << 28, 1 << 29)).open(500.0).say(501.0, CLIENT, b"a request of some bytes")
    for at in (581.0, 581.3, 582.0):
        dead.say(at, SERVER, b"too late", where="near")
    other = Talk(ODD, port=44000, isn=(3 << 28, 3 << 26)).open(580.0).exchanges(10, 1.0, 580.5)
    timer = compared(tmp_path, *talks, dead, other).timer
    assert timer is not None
    assert (timer.clock, timer.deaths, timer.sharp) == ("idle", 1, False)
    assert timer.low_s == pytest.approx(45, abs=0.2)
    assert timer.high_s == pytest.approx(80, abs=0.2)


def test_captures_with_nothing_in_common_say_so(tmp_path: Path) -> None:
    here, _ = write(tmp_path, Talk().open().exchanges(3), name="one-")
    _, there = write(tmp_path, Talk(isn=(1, 2), port=5000).open(), name="other-")
    found = pair(here, there)
    assert found.pairs == []
    assert summarise(found).headline == "These captures have no connection in common."


def test_copies_of_a_packet_are_one_packet(tmp_path: Path) -> None:
    talk = Talk(ODD).open().exchanges(5).close(70.0, CLIENT)
    talk.server[:] = [frame for frame in talk.server for _ in (0, 1)]  # -i any
    found = only(tmp_path, talk)
    assert [flow.count(BOTH, far=True) for flow in found.comparison.flows] == [
        len(flow.far) for flow in found.comparison.flows
    ]
    assert found.ending.by == "device"
