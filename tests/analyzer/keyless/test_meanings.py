"""What answers meant, learned from what the device did next."""

from __future__ import annotations

from typing import Any

from tests.analyzer.keyless.whispers import ASKS, CBC, CHANGED, CLIENT, RAN_OUT, Dialogue, Whisper


def rows(w: Whisper, seconds: float) -> list[dict[str, Any]]:
    w.end(seconds, first_close="fin", side=CLIENT)
    return w.link.dialogue.rows("heartbeats")


def whisper(**more: Any) -> Whisper:
    return Whisper(Dialogue().connect(), **more)


def test_what_a_change_brought_is_added_up_until_the_next_wait() -> None:
    w = whisper()
    now = w.pings(1) + 0.05
    w.ask(now, ASKS, CHANGED, 100).ask(now + 100.1, 526, 2928).ask(now + 100.2, 531, 40_000)
    w.ask(now + 100.9, ASKS, RAN_OUT, 480)
    found = [(row["outcome"], row["brought_bytes"]) for row in rows(w, now + 600)]
    assert found[1] == ("changes", 2928)
    assert found[4:] == [("changes", 42_928), ("expired", None)]


def test_an_error_page_is_neither_and_stays_unknown() -> None:
    """A proxy's 504 after 60 s, each time; the device asks again two seconds later."""
    w = whisper()
    now = w.pings(1) + 0.05
    for turn in range(3):
        w.ask(now + 62 * turn, ASKS, 401, 60)
    assert [row["outcome"] for row in rows(w, now + 190)[4:]] == ["unknown"] * 3


def test_a_last_answer_without_a_sequel_is_known_by_its_length() -> None:
    for size, outcome in ((RAN_OUT, "expired"), (CHANGED, "changes"), (RAN_OUT + 200, "unknown")):
        w = whisper()
        now = w.pings(1) + 0.05
        assert rows(w.ask(now, ASKS, size, 200), now + 260)[-1]["outcome"] == outcome


def test_under_cbc_only_what_follows_counts() -> None:
    """Both answers have 368 bytes."""
    w = whisper(version="TLS 1.2", cipher=CBC)
    now = 1.0
    for turn in range(4):
        held = 160.0 if turn == 1 else 480.0
        w.ask(now, 576, 368, held)
        now += held + 0.05
        if turn == 1:
            w.ask(now, 592, 2976)
            now += 0.1
    assert [row["outcome"] for row in rows(w, now + 1)] == ["expired", "changes", "expired", "unknown"]


def test_a_hanging_sync_brings_its_changes_with_it() -> None:
    w = whisper()
    now = 1.0
    for held, size in ((600, 561), (200, 2575), (600, 561), (90, 1613), (600, 561), (0.7, 638)):
        w.ask(now, 509, size, held)
        now += held + 0.02
    found = [(row["outcome"], row["requested_s"]) for row in rows(w.ask(now, 509, 561, 600), now + 601)]
    assert found == [
        ("expired", 600), ("changes", 600), ("expired", 600), ("changes", 600), ("expired", 600), ("changes", 600),
        ("expired", 600),
    ]  # fmt: skip


def test_a_device_that_syncs_after_every_answer_labels_none() -> None:
    w = whisper()
    now = 1.0
    for held in (480, 480, 130, 480):
        w.ask(now, ASKS, RAN_OUT, held).ask(now + held + 0.05, 526, 620)
        now += held + 0.2
    assert {row["outcome"] for row in rows(w, now)} == {"unknown"}


def test_each_interval_that_a_device_tries_is_worked_out_and_others_are_left_open() -> None:
    w = whisper()
    now = 1.0
    for held in (480.3, 480.2, 600.4, 720.1):
        w.ask(now, ASKS, RAN_OUT, held)
        now += held + 0.05
    w.ask(now, ASKS, CHANGED, 77).ask(now + 77.1, 526, 2928).ask(now + 77.2, ASKS, RAN_OUT, 720)
    found = rows(w, now + 800)
    assert [row["requested_s"] for row in found] == [480, 480, 600, 720, None, 720]
    assert [row["requested_source"] for row in found][3:5] == ["inferred", "unknown"]
