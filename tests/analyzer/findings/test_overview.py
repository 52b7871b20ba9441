"""What was opened, what stayed closed and why, and what compression saved: in one line each."""

from analyzer.findings.case import Case
from analyzer.findings.overview import closed, folders, opened, saved
from tests.support.made import Made


def link(
    made: Made, decryption: str = "decrypted", why: str | None = None, moved: int = 50_000, **more: object
) -> None:
    number = len(made.rows["connections"]) + 1
    tls = None if decryption in ("plaintext", "not_http") else "TLS 1.3"
    row = {
        "connection_id": number, "decryption": decryption, "why_encrypted": why, "tls_version": tls,
        "bytes_client": moved, "bytes_server": moved, "eas_evidence": "decoded" if why is None else "none",
    }  # fmt: skip
    made.add("connections", **(row | more))


def test_all_opened() -> None:
    made = Made()
    for _ in range(3):
        link(made)
    assert opened(Case(made.tables())) == ["all 3 TLS connections opened", "3 with Exchange ActiveSync", "no wait"]
    assert closed(Case(made.tables())) == []


def test_some_opened_and_why_the_others_were_not() -> None:
    made = Made()
    link(made)
    link(made)
    link(made, "encrypted", "no_key")
    link(made, "encrypted", "no_handshake")
    link(made, "encrypted", "no_key")
    link(made, "partial", "gap")
    assert opened(Case(made.tables()))[0] == "3 of 6 TLS connections opened (300 KB of 600 KB)"
    assert closed(Case(made.tables())) == [
        "3 connections stayed encrypted (300 KB): no key for their client random (2) and handshake not in the capture "
        "(1); see directpush explain no_key.",
        "1 connection could be decrypted only in part: bytes missing in the capture (1); see directpush explain gap.",
    ]


def test_none_opened() -> None:
    made = Made()
    link(made, "encrypted", "no_key", tls_version=None)  # its handshake is not in the capture
    assert opened(Case(made.tables())) == ["none of 1 TLS connection opened", "no Exchange ActiveSync", "no wait"]


def test_plain_http_and_other_traffic() -> None:
    made = Made()
    link(made, "plaintext")
    link(made, "not_http", eas_evidence="none")
    assert opened(Case(made.tables()))[:2] == ["1 connection with plain HTTP", "1 with Exchange ActiveSync"]
    made = Made()
    link(made, "not_http", eas_evidence="none")
    assert opened(Case(made.tables()))[0] == "neither TLS nor HTTP in 1 TCP connection"


def test_tls_without_http_inside_counts_as_opened() -> None:
    made = Made()
    link(made, "not_http", tls_version="TLS 1.2", eas_evidence="none")
    assert opened(Case(made.tables()))[0] == "1 TLS connection opened"


def test_a_connection_seen_twice_counts_once() -> None:
    made = Made()
    link(made)
    link(made, "encrypted", "no_key", duplicate_of=1)
    assert opened(Case(made.tables()))[0] == "1 TLS connection opened"
    assert closed(Case(made.tables())) == []


def test_inferred_waits_are_told_apart() -> None:
    made = Made()
    made.wait(20.0)
    made.wait(20.0, kind="inferred")
    assert opened(Case(made.tables()))[-1] == "2 waits (1 inferred)"


def answer(made: Made, decoded: int, body: int, coding: str | None, session: int | None = 1) -> None:
    made.add(
        "transactions", transaction_id=len(made.rows["transactions"]) + 1, session_id=session,
        response_decoded_bytes=decoded, response_body_bytes=body, content_encoding=coding,
    )  # fmt: skip


def test_what_compression_saved() -> None:
    made = Made()
    answer(made, 30_000, 10_000, "gzip")
    answer(made, 10_000, 10_000, None)
    answer(made, 999_999, 1, "gzip", session=None)  # not ours
    assert saved(Case(made.tables())) == "Compression saved 20 KB of 40 KB in the server's answers."


def test_missing_compression_is_said_only_where_there_was_much_to_compress() -> None:
    made = Made()
    answer(made, 9_000, 9_000, None)
    assert saved(Case(made.tables())) is None
    answer(made, 9_000, 9_000, None)
    assert saved(Case(made.tables())) == "The server's answers were not compressed (18 KB)."


def test_compression_that_saved_nothing_is_not_worth_a_line() -> None:
    made = Made()
    answer(made, 20_000, 20_010, "gzip")
    assert saved(Case(made.tables())) is None


def test_what_a_folder_was_asked_for_last_is_told_with_it() -> None:
    made = Made()
    made.session()
    for number, (age, cut) in enumerate([(7, "text:all"), (5, "html:32768, mime:all"), (None, None)]):
        made.add(
            "sync_sizes", transaction_id=number, session_id=1, collection_id="5", time=number, filter_type=age,
            truncation=cut, download_bytes=9,
        )  # fmt: skip
    made.add(
        "sync_sizes", transaction_id=9, session_id=1, collection_id="6", time=9, filter_type=1 << 40, download_bytes=5
    )
    made.add("sync_sizes", transaction_id=9, session_id=1, collection_id="7", time=9, download_bytes=1)
    assert [row.settings for row in folders(Case(made.tables()))] == [
        "1 month back, html 33 KB, mime all",
        "filter 1099511627776",
        None,
    ]
