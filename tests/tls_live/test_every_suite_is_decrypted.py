"""Every suite that the OpenSSL on this machine can still negotiate, in every version that it still speaks."""

from pathlib import Path

import pytest

from tests.tls_live.checks import check_all_is_read, check_any_split_is_the_same, check_transactions
from tests.tls_live.conftest import Record
from tests.tls_live.reading import keys_from
from tests.tls_live.scenarios import by_name, every_suite, marked, one_of_each_kind

QUICK = one_of_each_kind()
ALL = [scenario.name for scenario in every_suite()]
RSA = [scenario.name for scenario in every_suite() if scenario.suite.exchange == "RSA"]


@pytest.mark.parametrize("name", marked(ALL, QUICK.__contains__))
def test_a_suite_is_decrypted_from_a_key_log(record: Record, name: str, tmp_path: Path) -> None:
    recording = record(by_name(name))
    check_all_is_read(recording)
    check_any_split_is_the_same(recording, byte_by_byte=name in QUICK)
    check_transactions(recording, tmp_path)


@pytest.mark.parametrize("name", marked(RSA, QUICK.__contains__))
def test_an_rsa_suite_is_decrypted_from_the_servers_key(record: Record, name: str, tmp_path: Path) -> None:
    recording = record(by_name(name))
    keys = keys_from(rsa_key=recording.rsa_key)
    check_all_is_read(recording, keys)
    check_transactions(recording, tmp_path, keys)


@pytest.mark.usefixtures("recorder")  # which skips where there is no OpenSSL
def test_openssl_has_suites_to_negotiate() -> None:
    # Otherwise all of the above would pass without a single recording.
    assert {scenario.suite.version for scenario in every_suite()} >= {"tls1_2", "tls1_3"}
