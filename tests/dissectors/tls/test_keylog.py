"""Key logs: what people really have in them."""

import time

import pytest

from dissectors.tls import KeyLog

RANDOM = bytes(range(32))
MASTER = "ab" * 48
TRAFFIC = "cd" * 32


def loaded(text: bytes | str) -> tuple[KeyLog, list[str]]:
    keylog = KeyLog()
    return keylog, keylog.add(text if isinstance(text, bytes) else text.encode(), "keys.log")


def test_every_kind_of_line_is_understood():
    r = RANDOM.hex()
    keylog, odd = loaded(
        f"# SSL/TLS secrets log file\n\nCLIENT_RANDOM {r} {MASTER}\nRSA 0011223344556677 {MASTER}\n"
        f"RSA Session-ID:{'5e' * 32} Master-Key:{MASTER}\nPMS_CLIENT_RANDOM {r} {MASTER}\n"
        f"CLIENT_EARLY_TRAFFIC_SECRET {r} {TRAFFIC}\nCLIENT_HANDSHAKE_TRAFFIC_SECRET {r} {TRAFFIC}\n"
        f"SERVER_HANDSHAKE_TRAFFIC_SECRET {r} {TRAFFIC}\nCLIENT_TRAFFIC_SECRET_0 {r} {TRAFFIC}\n"
        f"SERVER_TRAFFIC_SECRET_0 {r} {TRAFFIC}\nSERVER_TRAFFIC_SECRET_1 {r} {TRAFFIC}\nEXPORTER_SECRET {r} {TRAFFIC}\n"
        f"EARLY_EXPORTER_SECRET {r} {TRAFFIC}\nQUIC_CLIENT_HANDSHAKE_TRAFFIC_SECRET {r} {TRAFFIC}\n"
    )
    assert odd == []
    secrets = keylog.secrets(RANDOM)
    assert secrets is not None
    assert secrets.master == bytes.fromhex(MASTER)
    traffic = bytes.fromhex(TRAFFIC)
    assert (secrets.early, secrets.handshake, secrets.traffic) == (traffic, [traffic] * 2, [traffic] * 2)
    assert keylog.premaster(bytes.fromhex("00112233445566778899")) == bytes.fromhex(MASTER)
    assert keylog.session(b"\x5e" * 32) == bytes.fromhex(MASTER)
    assert (len(keylog), RANDOM in keylog, bytes(32) in keylog) == (1, True, False)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (f"CLIENT_RANDOM {RANDOM.hex()} {'zz' * 48}", "not hexadecimal"),
        ("rubbish", "1 fields where 3 belong"),
        (f"CLIENT_RANDOM {RANDOM.hex()} abcd", "the master secret has not 48 bytes"),
        (f"SOMETHING_ELSE {RANDOM.hex()} {TRAFFIC}", "unknown kind of line"),
        (f"CLIENT_RANDOM 00 {MASTER}", "the client random has not 32 bytes"),
        (f"CLIENT_TRAFFIC_SECRET_0 {RANDOM.hex()} abcd", "the secret has neither 32 nor 48 bytes"),
        (f"CLIENT_TRAFFIC_SECRET_x {RANDOM.hex()} {TRAFFIC}", "unknown kind of line"),
        (f"RSA 00 {MASTER}", "RSA needs 8 bytes of the encrypted premaster secret and its 48 bytes"),
        ("CLIENT_RANDOM " + "a" * 100_000, "2 fields where 3 belong"),
        (b"\xff\xfe\x00\x01", "1 fields where 3 belong"),  # a byte order mark is one at the start of the file only
        (b"CLIENT_RANDOM \x00\x00\xe9 00", "not hexadecimal"),
    ],
)
@pytest.mark.parametrize("before", ["", "# comment\n\n", f"CLIENT_RANDOM {'00' * 32} {MASTER}\n"])
def test_a_bad_line_costs_itself_only_and_is_named_without_its_secret(before, line, complaint):
    bad = line if isinstance(line, bytes) else line.encode()
    keylog, odd = loaded(before.encode() + b"#\n" + bad + f"\nCLIENT_RANDOM {RANDOM.hex()} {MASTER}\n".encode())
    assert odd == [f"keys.log line {before.count(chr(10)) + 2}: {complaint}"]
    secrets = keylog.secrets(RANDOM)
    assert secrets is not None
    assert secrets.master == bytes.fromhex(MASTER)


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.upper().encode(),
        lambda text: text.rstrip("\n").encode(),
        lambda text: b"  " + text.encode().replace(b" ", b"\t"),
    ],
)
def test_line_ends_and_encodings_do_not_matter(encode):
    keylog, odd = loaded(encode(f"CLIENT_RANDOM {RANDOM.hex()} {MASTER}\n"))
    assert odd == []
    assert RANDOM in keylog


@pytest.mark.parametrize(
    "written",
    [
        RANDOM + bytes(8),  # widened at the end
        bytes(4) + RANDOM,  # widened at the front
        RANDOM[4:],  # without the four bytes that once were the time
        RANDOM[:28],
        RANDOM[1:],  # a number whose first byte is zero
        RANDOM[:31],
        b"\x20" + RANDOM,  # with its length
        RANDOM + b"\x0a",
    ],
)
def test_a_random_of_odd_width_is_found(written):
    keylog, odd = loaded(f"CLIENT_RANDOM {written.hex()} {MASTER}\n")
    assert odd == []
    assert RANDOM in keylog


def test_a_random_written_as_a_number_without_its_first_zero_is_found():
    keylog, odd = loaded(f"CLIENT_RANDOM {RANDOM.hex().lstrip('0')} {MASTER}\n")
    assert len(RANDOM.hex().lstrip("0")) % 2 == 1
    assert odd == []
    assert RANDOM in keylog


def test_lines_of_later_generations_are_known_and_not_needed():
    keylog, odd = loaded(
        "".join(f"{side}_TRAFFIC_SECRET_{n} {RANDOM.hex()} {TRAFFIC}\n" for side in ("CLIENT", "SERVER") for n in "1N7")
    )
    assert (odd, len(keylog)) == ([], 0)


def test_a_binary_file_is_one_mistake_and_not_a_million():
    _, odd = loaded(b"\x01\n" * 5000)
    assert odd == ["keys.log line 1: 1 fields where 3 belong (and 4999 more odd lines)"]


def test_two_odd_lines_are_one_remark():
    _, odd = loaded("milk\nbread\n")
    assert odd == ["keys.log line 1: 1 fields where 3 belong (and one more odd line)"]


def test_secrets_do_not_show_in_what_is_printed():
    keylog, _ = loaded(f"CLIENT_RANDOM {RANDOM.hex()} {MASTER}\nCLIENT_TRAFFIC_SECRET_0 {RANDOM.hex()} {TRAFFIC}\n")
    assert repr(keylog.secrets(RANDOM)) == "Secrets(master, traffic)"
    assert repr(keylog) == "KeyLog(1 client randoms)"


def test_certificates_that_many_connections_hold_are_one_copy(monkeypatch):
    keylog = KeyLog()
    first = keylog.one_copy(b"chain" * 100)
    assert keylog.one_copy(b"chain" * 100) is first
    monkeypatch.setattr("dissectors.tls.keylog.CHAINS_LIMIT", 1)
    assert keylog.one_copy(b"chain" * 100) is first
    other = b"other" * 100
    assert keylog.one_copy(other) is other
    assert len(keylog._chains) == 1


def test_an_rsa_line_finds_its_premaster_secret_and_no_other():
    keylog, odd = loaded(f"RSA {'ab' * 8} {MASTER}\nPMS_CLIENT_RANDOM {RANDOM.hex()} {MASTER}\n")
    assert odd == []
    assert keylog.premaster(b"\xab" * 256) == bytes.fromhex(MASTER)
    assert keylog.premaster(b"\xac" * 256) is None
    assert keylog.computes_masters
    assert keylog.opens_rsa
    assert not KeyLog().computes_masters


def test_hundred_thousand_lines_take_a_second_at_most():
    text = "".join(f"CLIENT_TRAFFIC_SECRET_0 {number:064x} {TRAFFIC}\n" for number in range(100_000)).encode()
    start = time.process_time()
    keylog, odd = loaded(text)
    assert time.process_time() - start < 1.5
    assert (len(keylog), odd) == (100_000, [])
    assert (77).to_bytes(32, "big") in keylog


def test_learned_sessions_are_limited(monkeypatch):
    monkeypatch.setattr("dissectors.tls.keylog.SESSIONS_LIMIT", 3)
    keylog = KeyLog()
    for number in range(5):
        keylog.learn_session(bytes((number,)), b"m" * 48)
    assert [keylog.session(bytes((number,))) is not None for number in range(5)] == [False, False, True, True, True]


def test_a_flood_of_sessions_costs_no_more_for_each_when_old_ones_must_go():
    keylog = KeyLog()
    master = b"m" * 48
    start = time.process_time()
    for number in range(200_000):
        keylog.learn_session(number.to_bytes(32, "big"), master)
    assert time.process_time() - start < 1.5
    assert keylog.session((199_999).to_bytes(32, "big")) == master
    assert keylog.session((0).to_bytes(32, "big")) is None
