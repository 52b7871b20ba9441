"""What the protocol can do besides a bare handshake: sessions, renegotiation, key updates, fragments ..."""

from pathlib import Path

import pytest

from tests.tls_live.checks import check_all_is_read, check_any_split_is_the_same, check_transactions
from tests.tls_live.conftest import Record
from tests.tls_live.scenarios import by_name, features, is_quick, marked


@pytest.mark.parametrize("name", marked(scenario.name for scenario in features()))
def test_a_feature_is_decrypted(record: Record, name: str, tmp_path: Path) -> None:
    recording = record(by_name(name))
    check_all_is_read(recording)
    check_any_split_is_the_same(recording, byte_by_byte=is_quick(name))
    if "every length" not in name:  # which is no HTTP
        check_transactions(recording, tmp_path)
