"""Two captures of one analysis: are these the same connections?"""

import pandas as pd

from analyzer.analysis import analyze
from analyzer.pair import same_connections
from tests.analyzer.pair.views import Clocks, behind_nat
from tests.dissectors.net.wire import SECOND
from tests.support.places import SAMPLES


def table(tmp_path, name: str, other: str) -> pd.DataFrame:
    view = tmp_path / "server.pcap"
    view.write_bytes(behind_nat(SAMPLES / f"{other}.pcap", clocks=Clocks(100 * SECOND)))
    return analyze([SAMPLES / f"{name}.pcap", view]).connections


def test_both_sides_of_one_recording_are_recognised(tmp_path) -> None:
    connections = table(tmp_path, "server_killed", "server_killed")
    found = same_connections(connections)
    assert found
    ids = connections.set_index("connection_id")
    for one in found:
        assert ids.loc[one.first, "capture"] != ids.loc[one.second, "capture"]
        assert ids.loc[one.first, "client_port"] % 10000 == ids.loc[one.second, "client_port"] - 20000


def test_two_recordings_of_different_times_are_not(tmp_path) -> None:
    assert same_connections(table(tmp_path, "server_killed", "silent_firewall")) == []


def test_client_random_decides_where_the_table_has_it(tmp_path) -> None:
    connections = table(tmp_path, "server_killed", "server_killed")
    connections["client_random"] = [f"{number:064x}" for number in range(len(connections))]
    assert same_connections(connections) == []
    connections["client_random"] = "ab" * 32
    assert [one.first for one in same_connections(connections)] == [1]


def test_one_capture_has_no_twin(tmp_path) -> None:
    assert same_connections(analyze(SAMPLES / "new_connection_each.pcap").connections) == []
