"""What becomes of notifications, one story a test: made on the stage of `samples.made`, read as captures.

Every rule DP120 to DP123 has a story that fires it; the healthy ones are the near misses.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from samples.made import dav
from samples.made.stage import (
    DEVICE,
    FIREWALL,
    FRONT_END,
    HOST_UNREACHABLE,
    MAILBOX_SERVER,
    PORT_UNREACHABLE,
    PROHIBITED,
    START_US,
    Stage,
    Wait,
)
from samples.made.wire import Wire
from tests.support.compare import rows

UDP, TCP, ICMP = 17, 6, 1
Keep = Callable[[bytes], bool]


def address(ip: str) -> bytes:
    return bytes(map(int, ip.split(".")))


def devices_leg(raw: bytes) -> bool:
    return address(DEVICE.ip) in (raw[26:30], raw[30:34])


def servers_leg(raw: bytes) -> bool:
    return not devices_leg(raw)


def datagram(raw: bytes) -> bool:
    return raw[23] == UDP


class Read:
    """The tables of what was captured; `points` say what each of several captures shows."""

    def __init__(self, stage: Stage, directory: Path, *points: Keep, until: float | None = None) -> None:
        from analyzer.analysis import analyze

        paths = []
        for number, keep in enumerate(points or (lambda _: True,)):
            last = None if until is None else START_US + round(until * 1e6)
            packets = [one for one in stage.wire.packets if keep(one[2]) and (last is None or one[0] <= last)]
            paths.append(directory / f"point{number}.pcap")
            Wire(packets).write(paths[-1])
        self.analysis = analyze(paths)

    def table(self, name: str) -> list[dict[str, Any]]:
        return rows(self.analysis.table(name))

    @property
    def delivery(self) -> dict[str, Any]:
        (row,) = self.table("deliveries")
        return row

    @property
    def outcomes(self) -> list[str | None]:
        return [row["outcome"] for row in self.table("deliveries")]

    def findings(self) -> dict[str, dict[str, Any]]:
        return {row["code"]: row for row in self.table("findings") if row["code"].startswith("DP12")}


def waiting(stage: Stage | None = None) -> tuple[Stage, Wait]:
    """A device that waits from 2.0 s on, 480 s."""
    stage = stage or Stage()
    stage.sign_in(0.0)
    return stage, stage.wait(2.0, 480)


def woken(stage: Stage, wait: Wait, at: float) -> None:
    """The notification, the Ping's answer 30 ms later, the Sync after 600 ms more."""
    stage.notify(at, [wait.ids["5"]])
    stage.poll(at + 0.004, [wait.ids["5"]], events=[wait.ids["5"]])
    stage.answer(at + 0.030, wait, changed=["5"])
    stage.sync(at + 0.630, ["5"], took=0.250)


def test_notification_that_wakes_nobody_is_missed(tmp_path: Path) -> None:
    stage, wait = waiting()
    stage.notify(60.0, [wait.ids["5"]])
    stage.answer(482.0, wait)
    read = Read(stage, tmp_path)
    assert (read.delivery["outcome"], read.delivery["heartbeat_id"], read.delivery["total_s"]) == ("missed", 1, None)
    finding = read.findings()["DP122"]
    assert (finding["severity"], finding["title"]) == ("warning", "Notifications arrive and wake nobody in time.")
    assert "1 whose wait was not answered" in finding["detail"]


def test_change_that_is_fetched_after_the_wait_is_late(tmp_path: Path) -> None:
    stage, wait = waiting()
    stage.notify(60.0, [wait.ids["5"]])
    stage.answer(482.0, wait)
    stage.sync(483.0, ["5"], took=0.5)
    read = Read(stage, tmp_path)
    assert read.delivery["outcome"] == "late"
    assert read.delivery["total_s"] == pytest.approx(423.5, abs=0.001)
    assert "The device asked for it 423 s later." in read.findings()["DP122"]["detail"]


def test_sync_that_brings_nothing_has_not_fetched_it(tmp_path: Path) -> None:
    stage, wait = waiting()
    stage.notify(60.0, [wait.ids["5"]])
    stage.answer(482.0, wait)
    stage.sync(483.0, ["5"], took=0.5, items=0)
    assert Read(stage, tmp_path).delivery["outcome"] == "missed"


def test_ping_that_is_answered_late_is_told_apart_from_a_late_device(tmp_path: Path) -> None:
    stage, wait = waiting()
    stage.notify(60.0, [wait.ids["5"]])
    stage.answer(120.0, wait, changed=["5"])
    stage.sync(120.5, ["5"], took=0.5)
    slow_server = Read(stage, tmp_path)
    assert slow_server.delivery["outcome"] == "late"
    assert slow_server.delivery["notify_to_ping_s"] == pytest.approx(60.0, abs=0.001)
    assert "1 whose Ping was answered late" in slow_server.findings()["DP122"]["detail"]
    stage, wait = waiting()
    stage.notify(60.0, [wait.ids["5"]])
    stage.answer(60.1, wait, changed=["5"])
    stage.sync(120.5, ["5"], took=0.5)
    slow_device = Read(stage, tmp_path)
    assert slow_device.delivery["outcome"] == "late"
    finding = slow_device.findings()["DP122"]
    assert "1 whose Sync came late" in finding["detail"]
    assert (finding["severity"], finding["advice"]) == ("info", None)


def test_capture_that_ends_too_early_tells_no_outcome(tmp_path: Path) -> None:
    stage, wait = waiting()
    stage.notify(60.0, [wait.ids["5"]])
    stage.answer(482.0, wait)
    read = Read(stage, tmp_path, until=70.0)
    assert read.outcomes == [None]
    assert read.findings() == {}
    stage, wait = waiting()
    woken(stage, wait, 60.0)
    read = Read(stage, tmp_path, until=60.5)  # the Ping is answered, the Sync is not in it
    assert (read.delivery["outcome"], read.delivery["not_seen"]) == (None, ["sync"])


def test_device_that_comes_by_itself_in_between_has_got_it(tmp_path: Path) -> None:
    """Notified while no wait was pending: the next Sync brings it."""
    stage, wait = waiting()
    stage.answer(60.0, wait, changed=["1"])
    stage.notify(60.4, [wait.ids["5"]])
    stage.sync(60.9, ["1", "5"], took=0.2)
    read = Read(stage, tmp_path)
    assert read.outcomes == ["delivered"]
    assert read.delivery["heartbeat_id"] is None
    assert read.delivery["total_s"] == pytest.approx(0.7, abs=0.001)


def test_notification_that_no_wait_fits_is_unmatched(tmp_path: Path) -> None:
    stage, wait = waiting()
    stage.answer(60.0, wait)
    stage.notify(200.0, [wait.ids["5"]])
    stage.renew(300.0, [wait.ids["5"]])
    read = Read(stage, tmp_path)
    assert read.outcomes == ["unmatched"]
    assert read.findings() == {}


def test_two_devices_each_get_their_own(tmp_path: Path) -> None:
    """The subscriptions of two users on one connection between the servers; one datagram names those of both."""
    stage, anna = waiting()
    assert stage.device_leg is not None
    first = stage.device_leg
    stage.user = "ben"
    stage.sign_in(3.0)
    ben = stage.wait(5.0, 480)
    both = [anna.ids["5"], ben.ids["1"]]
    stage.notify(80.0, both)
    stage.answer(80.02, ben, changed=["1"])
    stage.sync(80.5, ["1"], took=0.1)
    stage.user, stage.device_leg = "anna", first
    stage.answer(80.05, anna, changed=["5"])
    stage.sync(80.9, ["5"], took=0.1)
    read = Read(stage, tmp_path)
    found = sorted(read.table("deliveries"), key=lambda row: row["notify_to_ping_s"])
    assert [(row["subscription_ids"], row["outcome"]) for row in found] == [
        ([str(both[1])], "delivered"),
        ([str(both[0])], "delivered"),
    ]
    assert [row["notify_to_ping_s"] for row in found] == pytest.approx([0.02, 0.05], abs=0.0005)
    assert len({row["session_id"] for row in found}) == 2


def test_mailbox_that_is_not_called_as_its_user_is_joined_by_time(tmp_path: Path) -> None:
    stage = Stage()
    stage.sign_in(0.0)
    wait = stage.wait(2.0, 480, watch=False)
    stage.user = "anna.smith"  # the mailbox; the device has signed in as anna
    wait.ids["5"] = stage.subscribe(2.04, "5")
    stage.user = "anna"
    stage.notify(60.0, [wait.ids["5"]])
    stage.answer(60.02, wait, changed=["5"])
    stage.sync(60.5, ["5"], took=0.1)
    read = Read(stage, tmp_path)
    (subscription,) = read.table("subscriptions")
    assert (subscription["joined_by"], subscription["heartbeat_id"]) == ("time", 1)
    assert (read.delivery["outcome"], read.delivery["joined_by"]) == ("delivered", "subscription")


def test_subscription_of_another_user_is_joined_to_nobody(tmp_path: Path) -> None:
    """Made when no wait had just begun, for a mailbox that no device in the capture has."""
    stage, wait = waiting()
    stage.user = "carla"
    number = stage.subscribe(50.0, "5")
    stage.user = "anna"
    stage.notify(60.0, [number])
    stage.answer(482.0, wait)
    read = Read(stage, tmp_path)
    assert [row["session_id"] for row in read.table("subscriptions")] == [1, 1, None]
    assert (read.delivery["outcome"], read.delivery["not_seen"]) == (None, ["wait"])


def test_servers_leg_alone_says_what_it_cannot_see(tmp_path: Path) -> None:
    stage, wait = waiting()
    woken(stage, wait, 60.0)
    stage.unsubscribe(61.0, list(wait.ids.values()))
    stage.subscribe(64.0, "5")
    read = Read(stage, tmp_path, servers_leg)
    row = read.delivery
    assert (row["outcome"], row["session_id"], row["not_seen"]) == (None, None, ["wait"])
    assert row["reaction_s"] == pytest.approx(0.004, abs=0.0005)  # it has arrived: the front-end polled
    assert read.findings() == {}


def test_devices_leg_alone_says_what_it_cannot_see(tmp_path: Path) -> None:
    stage, wait = waiting()
    woken(stage, wait, 60.0)
    row = Read(stage, tmp_path, devices_leg).delivery
    assert (row["outcome"], row["not_seen"], row["notify_to_ping_s"]) == ("delivered", ["notification"], None)
    assert row["ping_to_sync_s"] == pytest.approx(0.6, abs=0.0005)


def test_datagrams_and_devices_leg_do_without_the_subscription(tmp_path: Path) -> None:
    """HTTP between the servers is not in the capture: the time tells whose it is."""
    stage, wait = waiting()
    woken(stage, wait, 60.0)
    row = Read(stage, tmp_path, lambda raw: devices_leg(raw) or datagram(raw)).delivery
    assert (row["outcome"], row["joined_by"], row["not_seen"]) == ("delivered", "time", ["subscription"])
    assert row["notify_to_ping_s"] == pytest.approx(0.030, abs=0.0005)


def test_datagram_at_one_of_two_points_is_lost(tmp_path: Path) -> None:
    """Captured at the mailbox server, with all of the servers' leg, and at the front-end, where no datagram arrives."""
    stage, wait = waiting()
    stage.notify(60.0, [wait.ids["5"]])
    stage.answer(482.0, wait)
    stage.unsubscribe(482.1, list(wait.ids.values()))
    read = Read(stage, tmp_path, servers_leg, lambda raw: not datagram(raw))
    assert read.delivery["outcome"] == "lost"
    assert len(read.table("subscriptions")) == 2  # seen at both points, listed once
    finding = read.findings()["DP121"]
    assert "1 left the mailbox server and did not arrive in time" in finding["detail"]


def test_datagram_at_both_points_has_arrived_and_counts_once(tmp_path: Path) -> None:
    stage, wait = waiting()
    stage.notify(60.0, [wait.ids["5"]])
    stage.answer(482.0, wait)
    stage.unsubscribe(482.1, list(wait.ids.values()))
    read = Read(stage, tmp_path, servers_leg, lambda _: True)
    assert read.outcomes == ["missed"]
    assert [row["capture"].endswith(f"point{n}.pcap") for n, row in enumerate(read.table("notifications"))] == [
        True
    ] * 2


def test_change_that_a_poll_shows_long_after_the_datagram_was_lost(tmp_path: Path) -> None:
    """From the servers' leg alone: the front-end went on as if it had heard nothing."""
    stage, wait = waiting()
    stage.notify(60.0, [wait.ids["5"]])
    stage.poll(300.0, [wait.ids["5"]], events=[wait.ids["5"]])
    stage.subscribe(301.0, "5")
    assert Read(stage, tmp_path, servers_leg).outcomes == ["lost"]


def test_first_look_after_subscribing_is_no_loss(tmp_path: Path) -> None:
    stage, wait = waiting()
    stage.poll(2.2, [wait.ids["5"]], events=[wait.ids["5"]])
    stage.answer(2.3, wait, changed=["5"])
    stage.sync(2.6, ["5"], took=0.1)
    read = Read(stage, tmp_path)
    assert read.outcomes == ["delivered"]
    assert read.findings() == {}


def test_capture_without_any_datagram_accuses_nobody(tmp_path: Path) -> None:
    """As a capture filter `tcp` leaves it."""
    stage, wait = waiting()
    woken(stage, wait, 60.0)
    read = Read(stage, tmp_path, lambda raw: raw[23] == TCP)
    finding = read.findings()["DP121"]
    assert (finding["severity"], finding["confidence"]) == ("warning", "possible")
    assert "a filter that leaves UDP out" in finding["detail"]


def test_port_on_which_nothing_listens_has_other_advice(tmp_path: Path) -> None:
    stage, wait = waiting()
    stage.notify(60.0, [wait.ids["5"]], refused=(FRONT_END, PORT_UNREACHABLE))
    stage.answer(482.0, wait)
    read = Read(stage, tmp_path)
    row = read.delivery
    assert (row["outcome"], row["refused_by"], row["refusal"]) == ("blocked", "10.0.0.4", "port_unreachable")
    finding = read.findings()["DP120"]
    assert finding["title"].endswith("are refused by 10.0.0.4 (ICMP port unreachable).")
    assert "3015" in finding["advice"]


def test_error_without_its_datagram_still_shows_the_block(tmp_path: Path) -> None:
    """Captured where the ICMP error passes and the datagram does not; it quotes the ids."""
    stage, wait = waiting()
    stage.notify(60.0, [wait.ids["5"]], refused=(FIREWALL, HOST_UNREACHABLE))
    stage.answer(482.0, wait)
    read = Read(stage, tmp_path, lambda raw: not datagram(raw))
    row = read.delivery
    assert (row["outcome"], row["notification_frame"], row["not_seen"]) == ("blocked", None, ["notification"])
    assert row["subscription_ids"] == [str(wait.ids["5"])]
    assert read.findings()["DP120"]["title"].endswith("are refused by 10.0.0.1 (ICMP host unreachable).")


def test_error_that_quotes_eight_bytes_belongs_to_the_datagram_before(tmp_path: Path) -> None:
    stage, wait = waiting()
    stage.notify(60.0, [wait.ids["5"]])
    quote = next(raw for _, _, raw in stage.wire.packets if datagram(raw))[14 : 14 + 28]  # IP and UDP header
    stage.wire.refuse(START_US + 60_001_000, FIREWALL, MAILBOX_SERVER, PROHIBITED, quote)
    stage.answer(482.0, wait)
    read = Read(stage, tmp_path)
    assert read.outcomes == ["blocked"]
    assert [row["refused_by"] for row in read.table("notifications")] == ["10.0.0.1"]


def test_error_about_other_packets_blocks_nothing(tmp_path: Path) -> None:
    stage, wait = waiting()
    quote = stage.wire.udp(START_US + 59_000_000, MAILBOX_SERVER, FIREWALL, (1046, 53), b"\x12\x34\x01\x00")
    stage.wire.refuse(START_US + 59_001_000, FIREWALL, MAILBOX_SERVER, PORT_UNREACHABLE, quote)
    woken(stage, wait, 60.0)
    assert Read(stage, tmp_path).outcomes == ["delivered"]


def test_subscription_ends_with_its_lifetime(tmp_path: Path) -> None:
    stage, wait = waiting(Stage(lifetime_s=100))
    stage.poll(52.0, [wait.ids["5"]], events=[])  # renews it
    stage.answer(482.0, wait)
    found = Read(stage, tmp_path).table("subscriptions")
    assert [(row["end_reason"], round(row["end"] - row["start"], 1)) for row in found] == [
        ("expired", pytest.approx(150.0, abs=0.1)),
        ("expired", pytest.approx(100.0, abs=0.1)),
    ]


def test_subscription_that_the_server_has_forgotten_is_gone(tmp_path: Path) -> None:
    stage, wait = waiting()
    path, number = stage.path("5"), wait.ids["5"]
    stage.between_servers(100.0, 100.01, dav.renew(path, [number], 600), dav.refused("412 Precondition Failed"))
    found = Read(stage, tmp_path).table("subscriptions")
    assert [row["end_reason"] for row in found] == ["gone", None]


def test_id_that_is_used_again_is_another_subscription(tmp_path: Path) -> None:
    stage, wait = waiting()
    stage.answer(50.0, wait)
    stage.unsubscribe(50.1, list(wait.ids.values()))
    stage.next_id = 17
    wait = stage.wait(51.0, 480)
    woken(stage, wait, 90.0)
    read = Read(stage, tmp_path)
    assert [(row["subscription_id"], row["notifications"]) for row in read.table("subscriptions")] == [
        ("17", 0),
        ("18", 0),
        ("17", 1),
        ("18", 0),
    ]
    assert (read.delivery["heartbeat_id"], read.delivery["outcome"]) == (2, "delivered")


def test_subscription_from_before_the_capture_is_known_by_its_renewal(tmp_path: Path) -> None:
    stage = Stage()
    stage.sign_in(0.0)
    stage.subscriptions.append({"id": 9, "renewals": 0, "polls": 0})
    wait = stage.wait(2.0, 480, watch=False)
    stage.renew(30.0, [9])
    stage.notify(60.0, [9])
    stage.answer(60.02, wait, changed=["5"])
    stage.sync(60.5, ["5"], took=0.1)
    read = Read(stage, tmp_path)
    (row,) = read.table("subscriptions")
    assert (row["subscription_id"], row["start"], row["renewals"], row["session_id"]) == ("9", None, 1, 1)
    assert read.delivery["outcome"] == "delivered"


def test_refused_subscriptions_are_a_finding_and_rounds_of_authentication_are_not(tmp_path: Path) -> None:
    stage = Stage()
    stage.sign_in(0.0)
    request = dav.subscribe(stage.path("5"), stage.call_back, 600)
    stage.between_servers(2.0, 2.01, request, dav.refused("401 Unauthorized"))
    stage.between_servers(2.1, 2.11, request, dav.refused("302 Moved"))
    read = Read(stage, tmp_path)
    assert [(row["subscription_id"], row["status"]) for row in read.table("subscriptions")] == [(None, 302)]
    finding = read.findings()["DP123"]
    assert finding["title"] == "The front-end cannot subscribe at the mailbox server 10.0.0.5 (HTTP 302)."
    assert finding["severity"] == "error"


def test_odd_datagrams_are_anomalies_once_for_each_pair_and_others_are_nobodys_business(tmp_path: Path) -> None:
    stage, wait = waiting()

    def send(at: float, ports: tuple[int, int], payload: bytes) -> None:
        stage.wire.udp(START_US + round(at * 1e6), MAILBOX_SERVER, FRONT_END, ports, payload)

    for n in range(5):
        send(10.0 + n, (1046, 2883), b"rubbish")
    send(20.0, (53, 2883), b"\x12\x34\x81\x80")  # a name server answers somebody whose port is 2883 by chance
    send(21.0, (2883, 53), b"\x12\x34\x01\x00")
    send(22.0, (1900, 1900), b"NOTIFY * HTTP/1.1\r\nNT: upnp:rootdevice\r\n\r\n")
    send(23.0, (1046, 2883), b"NOTIFY what is this\r\n\r\n")
    send(24.0, (1046, 2883), dav.notify(stage.call_back, [wait.ids["5"]]).replace(b"\r\n", b"\n"))
    read = Read(stage, tmp_path)
    assert [(row["code"], row["frame"] is not None) for row in read.table("anomalies")] == [
        ("notify_not", True),
        ("notify_malformed", True),
        ("notify_line_ends", True),
    ]
    assert "5 times" in read.table("anomalies")[0]["detail"]
    assert len(read.table("notifications")) == 1


def test_flood_of_notifications_takes_its_time_only_once_each(tmp_path: Path) -> None:
    """Ten thousand in a second for one wait: linear, and each has its row."""
    import time

    stage, wait = waiting()
    payload = dav.notify(stage.call_back, [wait.ids["5"]])
    quote = stage.wire.udp(START_US + 60_000_000, MAILBOX_SERVER, FRONT_END, (1046, 2883), payload)
    raw = stage.wire.packets[-1][2]
    assert raw.endswith(quote)
    stage.wire.packets += [(START_US + 60_000_000 + 100 * n, 1000 + n, raw) for n in range(1, 10_000)]
    stage.answer(61.5, wait, changed=["5"])
    stage.sync(62.0, ["5"], took=0.1)
    began = time.thread_time()
    read = Read(stage, tmp_path)
    assert read.outcomes == ["delivered"] * 10_000
    assert time.thread_time() - began < 5.0
