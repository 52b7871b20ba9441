"""The first words: the answer, why, what to do, what it cost; nothing claimed that was not seen."""

import pytest

from analyzer.findings import cost
from analyzer.findings.case import Case
from analyzer.findings.verdict import Verdict, build
from tests.support.made import Made, healthy, silent_firewall


def verdict(made: Made) -> Verdict:
    return build(made.tables(), 0.9)


def test_healthy_says_so_and_stops() -> None:
    said = verdict(healthy())
    assert said.headline == "Push is healthy: 4 waits, none died early, the longest idle that survived was 48 min."
    assert (said.severity, said.reasons, said.advice, said.cost, said.unseen, said.next_steps) == (
        "ok",
        (),
        (),
        (),
        (),
        (),
    )


def test_cut_push_says_why_what_to_do_and_what_it_cost() -> None:
    said = verdict(silent_firewall())
    assert (said.severity, said.headline) == ("error", "Push is being cut on the way.")
    assert said.reasons[0].startswith("3 of 10 waits died before they were answered: all went silent.")
    assert said.advice[0].startswith("Raise that timer to 30 min")
    (row,) = said.devices
    assert (row.waits, row.lived, row.died, row.asked_s, row.timer) == (10, 7, 3, 50.0, "21-62 s")
    assert row.ended_by == "path, silent"
    assert row.grade == "likely"


def test_cost_of_silence_is_an_interval_from_what_was_due_and_what_survived() -> None:
    """Each wait was due after 50 s, the next began 64 s after its start; 20.6 s of idle are known to survive."""
    counted = cost.of(Case(silent_firewall().tables()))
    assert counted.without_push_low_s == pytest.approx(3 * (64 - 50))
    assert counted.without_push_high_s == pytest.approx(3 * (64 - 20.6))
    assert (counted.deaths, counted.new_connections, counted.handshakes, counted.devices) == (3, 3, 3, 1)
    # three dead waits of 400 bytes; three new connections of 8000 bytes less what their waits took: 700 each, and 400
    # for the dead wait on the first two
    assert counted.extra_bytes == 3 * 400 + 3 * 8000 - 3 * 700 - 2 * 400


def test_death_after_which_nothing_followed_is_left_out_of_the_cost() -> None:
    made = Made()
    made.wait(20.0)
    made.wait(62.0, "torn_down", asked=50.0, end={})
    assert verdict(made).cost == ("What it cost is not in the capture: no wait followed on 1 device.",)


def test_few_deaths_among_many_are_not_the_whole_story() -> None:
    made = Made()
    for _ in range(60):
        made.wait(20.0)
    made.wait(62.0, "torn_down", asked=50.0, end={"idle_s": 62.0})
    made.wait(20.0)
    said = verdict(made)
    assert (said.severity, said.headline) == ("warning", "Push works mostly: 1 of 62 waits died early.")


def test_push_is_not_healthy_where_much_of_it_could_not_be_judged() -> None:
    made = Made()
    for outcome in ("expired", "expired", "unknown", "unknown", "unknown"):
        made.wait(25.0, outcome)
    said = verdict(made)
    assert said.severity == "warning"
    assert said.headline == (
        "Whether push is healthy cannot be told: 3 of 5 waits ended in a way that could not be read."
    )


def test_unknown_ends_are_neither_lived_nor_died() -> None:
    made = Made()
    made.wait(20.0, "capture_end")
    made.wait(20.0, "unknown")
    said = verdict(made)
    assert said.headline == "Whether push is healthy cannot be told: 2 waits, and the end of none was seen."
    assert said.unseen[0] == (
        "2 waits cannot be judged: 1 still waiting when the capture ended and 1 answered or ended by something that "
        "could not be read."
    )
    (row,) = said.devices
    assert (row.lived, row.died, row.unknown) == (0, 0, 2)


def test_device_that_ends_all_its_waits_itself() -> None:
    made = Made()
    for _ in range(3):
        made.wait(5.0, "replaced", asked=90.0)
    said = verdict(made)
    assert (said.severity, said.headline) == ("ok", "Nothing cut push: the device itself ended all 3 waits.")


def test_errors_only_are_not_healthy() -> None:
    made = Made()
    for _ in range(3):
        made.wait(0.1, "error", ping_status=3)
    said = verdict(made)
    assert said.severity == "warning"
    assert "with an error" in said.headline


def test_encrypted_only_says_what_to_bring() -> None:
    made = Made()
    made.connection(decryption="encrypted", why_encrypted="no_key", eas_evidence="none")
    said = verdict(made)
    assert said.headline == "Nothing can be said about push: the only connection stayed encrypted."
    assert any("--keylog" in line for line in said.advice)
    assert any("/Microsoft-Server-ActiveSync" in line for line in said.reasons)


def test_nothing_of_ours_says_what_was_looked_for() -> None:
    said = verdict(Made())
    assert said.headline == "No Exchange ActiveSync in this capture."
    assert any("/Microsoft-Server-ActiveSync" in line for line in said.reasons)
    assert said.advice


def test_requests_without_waits_are_not_called_push() -> None:
    made = Made()
    made.session(transactions=7)
    made.connection()
    assert verdict(made).headline.startswith("No push wait in this capture: 1 device made 7 requests")


def test_folders_are_summed_per_device_and_the_largest_answer_is_named() -> None:
    made = healthy()
    for number, size in enumerate((100, 5000, 300), start=1):
        made.add(
            "sync_sizes",
            transaction_id=number,
            session_id=1,
            time=made.rows["captures"][0]["start"],
            collection_id="5",
            folder_name="Inbox",
            adds=2,
            client_deletes=1,
            download_bytes=size,
            download_wire_bytes=size // 2,
            upload_bytes=10,
            response_frame=number * 11,
        )
    made.add("sync_sizes", transaction_id=9, session_id=1, collection_id="7")
    inbox, other = verdict(made).folders
    assert (inbox.folder, inbox.syncs, inbox.items, inbox.down_bytes, inbox.down_wire_bytes) == (
        "Inbox",
        3,
        9,
        5400,
        2700,
    )
    assert (inbox.up_bytes, inbox.largest_bytes, inbox.largest_frame) == (30, 5000, 22)
    assert (other.folder, other.items, other.down_bytes, other.largest_bytes) == ("folder 7", None, None, None)


def test_names_from_the_capture_cannot_steer_what_shows_them() -> None:
    made = Made()
    made.session(user="an\x1b[31mna", device_type="i\u202ePhone")
    made.wait(10.0)
    (row,) = verdict(made).devices
    assert row.device == "i\ufffdPhone an\ufffd[31mna"


def test_devices_of_the_same_name_are_told_apart() -> None:
    made = Made()
    made.session()
    made.session()
    made.wait(10.0)
    made.wait(10.0, session_id=2)
    assert sorted(row.device for row in verdict(made).devices) == ["iPhone anna VICE0001", "iPhone anna VICE0002"]


def test_of_many_devices_only_a_few_have_a_sentence_each() -> None:
    made = Made()
    for number in range(1, 9):
        made.session(user=f"user{number}")
        made.wait(10.0, session_id=number, outcome="replaced")
    said = verdict(made)
    assert [reason for reason in said.reasons if "ended" in reason] == list(said.reasons[:5])
    assert said.reasons[5:] == ("The same goes for 3 more devices.",)
    assert len(said.devices) == 8
