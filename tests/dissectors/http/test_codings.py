"""Content codings: vectors made by the standard library, limits, damage."""

import gzip
import time
import zlib

import pytest

from dissectors.http.codings import FREE_DECODED_BYTES, MAX_GZIP_MEMBERS, decode

TEXT = b"Inbox Calendar Contacts Tasks " * 50
GZIP = gzip.compress(TEXT, mtime=0)
ZLIB = zlib.compress(TEXT)
RAW = zlib.compress(TEXT, wbits=-15)


@pytest.mark.parametrize(
    ("body", "codings"),
    [
        (GZIP, "gzip"), (GZIP, "x-gzip"), (GZIP, " GZIP "), (ZLIB, "deflate"), (RAW, "deflate"), (TEXT, ""),
        (TEXT, "identity"), (GZIP, "identity, gzip"), (gzip.compress(ZLIB), "deflate, gzip"),
        (gzip.compress(TEXT[:300]) + gzip.compress(TEXT[300:]), "gzip"),
        (gzip.compress(TEXT, compresslevel=0), "gzip"),
    ],
)  # fmt: skip
def test_codings_are_undone(body: bytes, codings: str) -> None:
    assert decode(body, codings) == (TEXT, "")


@pytest.mark.parametrize("codings", ["gzip", "deflate", "br"])
def test_an_empty_body_stays_empty(codings: str) -> None:
    assert decode(b"", codings) == (b"", "")


@pytest.mark.parametrize(("body", "codings"), [(GZIP, "gzip"), (ZLIB, "deflate"), (RAW, "deflate")])
def test_rubbish_behind_the_data_is_said_and_left_out(body: bytes, codings: str) -> None:
    decoded, problem = decode(body + b"\0\0\0", codings)
    assert decoded == TEXT
    assert problem.startswith("3 bytes behind")


@pytest.mark.parametrize(("body", "codings"), [(GZIP, "gzip"), (ZLIB, "deflate"), (RAW, "deflate")])
def test_cut_data_is_not_decoded_at_any_length(body: bytes, codings: str) -> None:
    for size in range(1, len(body)):
        decoded, problem = decode(body[:size], codings)
        assert decoded is None
        assert problem


@pytest.mark.parametrize("codings", ["gzip", "deflate", "br", "zstd", "gzip, br", "a,b,c,d,e"])
def test_what_cannot_be_decoded_is_said(codings: str) -> None:
    decoded, problem = decode(b"plain text that is labelled wrongly", codings)
    assert decoded is None
    assert problem


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(200 << 20), mtime=0)
    started = time.process_time()
    decoded, problem = decode(bomb, "gzip")
    assert time.process_time() - started < 1
    assert decoded is None
    assert "over" in problem


def test_a_small_body_may_be_compressed_well() -> None:
    assert decode(gzip.compress(bytes(FREE_DECODED_BYTES)), "gzip") == (bytes(FREE_DECODED_BYTES), "")


def test_many_members_are_bounded() -> None:
    member = gzip.compress(b"x", mtime=0)
    assert decode(member * MAX_GZIP_MEMBERS, "gzip")[0] == b"x" * MAX_GZIP_MEMBERS
    assert decode(member * 100_000, "gzip")[0] is None
