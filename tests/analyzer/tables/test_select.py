"""`--device` leaves one device's rows, and all of them."""

import pytest

from analyzer.tables.select import only_sessions, sessions_of
from tests.support.made import Made


def two_devices() -> Made:
    made = Made()
    made.session(device_id="AAAA1111", user="anna")
    made.session(device_id="BBBB2222", user="ben")
    made.connection()
    made.wait(100)
    made.connection()
    made.wait(200, session_id=2)
    made.add("anomalies", code="odd", connection_id=1, detail="x").add(
        "anomalies", code="odd", connection_id=2, detail="y"
    )
    made.rows["transactions"][1]["session_id"] = 2
    return made


@pytest.mark.parametrize("wanted", ["BBBB2222", "bbbb", "Ben", "2"])
def test_a_device_is_found_by_id_beginning_user_or_number(wanted: str) -> None:
    assert sessions_of(two_devices().tables()["sessions"], [wanted]) == [2]


@pytest.mark.parametrize("wanted", ["CCCC", "", "2222"])
def test_what_is_not_there_is_not_found(wanted: str) -> None:
    assert sessions_of(two_devices().tables()["sessions"], [wanted]) == []


def test_only_rows_of_the_session_and_its_connections_stay() -> None:
    tables = only_sessions(two_devices().tables(), [2])
    assert {
        name: len(tables[name]) for name in ("captures", "sessions", "heartbeats", "transactions", "connections")
    } == {
        "captures": 1,
        "sessions": 1,
        "heartbeats": 1,
        "transactions": 1,
        "connections": 1,
    }
    assert list(tables["anomalies"]["detail"]) == ["y"]
