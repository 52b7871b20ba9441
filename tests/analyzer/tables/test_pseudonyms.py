"""`--pseudonymize` leaves no name of a person or device anywhere, and rows can still be joined."""

import io
import time

from analyzer.findings import to_frame
from analyzer.reports import json_report
from analyzer.tables.pseudonyms import pseudonymized
from tests.support.made import silent_firewall

PERSONAL = ("anna", "DEVICE0001", "192.168.10.20", "Letters to Ben")


def test_no_personal_value_is_left_in_any_table_or_finding() -> None:
    made = silent_firewall()
    made.add("sync_sizes", transaction_id=1, session_id=1, collection_id="5", folder_name="Letters to Ben")
    made.add("anomalies", code="odd", detail="Letters to Ben were odd")
    for row in made.rows["connections"]:
        row["display_filter"] = "ip.addr==192.168.10.20 && tcp.port==443"
    for row in made.rows["teardowns"]:
        row["evidence"] = [{"kind": "k", "detail": "192.168.10.20 said nothing", "frames": [1]}]
    for row in made.rows["heartbeats"]:
        row["device_id"] = "DEVICE0001"
    tables = made.tables()
    before = io.StringIO()
    json_report.write(tables, before)
    assert all(value in before.getvalue() for value in PERSONAL)

    tables = pseudonymized(tables)
    tables["findings"] = to_frame(tables)
    after = io.StringIO()
    json_report.write(tables, after)
    assert [value for value in PERSONAL if value in after.getvalue()] == []


def test_same_value_has_the_same_token_in_every_table() -> None:
    made = silent_firewall()
    for row in made.rows["heartbeats"]:
        row["device_id"] = "DEVICE0001"
    tables = pseudonymized(made.tables())
    assert set(tables["heartbeats"]["device_id"]) == set(tables["sessions"]["device_id"]) == {"device-1"}
    assert list(tables["sessions"]["user"]) == ["user-1"]


def test_a_name_inside_another_word_stays() -> None:
    made = silent_firewall()
    made.add("anomalies", code="odd", detail="bananna of anna")
    assert list(pseudonymized(made.tables())["anomalies"]["detail"]) == ["bananna of user-1"]


def test_the_given_tables_are_not_changed() -> None:
    tables = silent_firewall().tables()
    pseudonymized(tables)
    assert list(tables["sessions"]["user"]) == ["anna"]


def test_paths_ids_of_folders_and_what_devices_call_themselves_name_nobody() -> None:
    made = silent_firewall()
    folder = "mail%2FLetters%20to%20Ben"
    made.add("sync_sizes", transaction_id=1, session_id=1, collection_id=folder)
    for row in made.rows["heartbeats"]:
        row["monitored_folders"] = [folder, "5"]
    for row in made.rows["sessions"]:
        row["user_agent"] = "iPhone of anna"
    made.add("transactions", transaction_id=90, path="/exchange/anna%2Esmith/Letters%20to%20Ben")
    made.add("transactions", transaction_id=91, path="/Microsoft-Server-ActiveSync")
    tables = pseudonymized(made.tables())
    assert list(tables["sync_sizes"]["collection_id"])[-1:] == ["collection-1"]
    assert {tuple(ids) for ids in tables["heartbeats"]["monitored_folders"]} == {("collection-1", "collection-2")}
    assert set(tables["sessions"]["user_agent"]) == {"iPhone of user-1"}
    assert list(tables["transactions"]["path"])[-2:] == ["/exchange/path-1", "/Microsoft-Server-ActiveSync"]


def test_many_values_take_no_more_time_each() -> None:
    def seconds(count: int) -> float:
        made = silent_firewall()
        for number in range(count):
            made.session(user=f"user{number}", device_id=f"DEVICE{number}")
            made.add("anomalies", code="odd", detail=f"user{number} and DEVICE{number}")
        tables = made.tables()
        begin = time.process_time()
        pseudonymized(tables)
        return time.process_time() - begin

    few, many = (min(seconds(count) for _ in range(2)) for count in (500, 4000))
    assert many < 24 * few + 0.1  # eight times as many; squared would be 64 times
