"""Lists of subscription ids, as servers write them and as nobody should."""

import pytest

from dissectors.notify.ids import MAX_IDS, parse_ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("17", ("17",)),
        ("1, 18, 243", ("1", "18", "243")),  # MSDN aa142950
        ("1,18,243", ("1", "18", "243")),
        (" 1 ,\t18 , ", ("1", "18")),
        ("4, 4, 5", ("4", "5")),  # each once
        ("", ()),
        (", ,", ()),
        ('"7"', ("7",)),
    ],
)
def test_list_is_read(text: str, ids: tuple[str, ...]) -> None:
    assert parse_ids(text) == (ids, None)


def test_word_that_is_no_number_is_kept_and_noted() -> None:
    ids, odd = parse_ids("3, x-9", "webdav_bad_header")
    assert ids == ("3", "x-9")
    assert odd is not None
    assert odd.code == "webdav_bad_header"


@pytest.mark.parametrize("text", ["a b", "\x01", "9" * 40, "é"])
def test_what_is_no_word_is_left_out_and_noted(text: str) -> None:
    ids, odd = parse_ids(f"3,{text}")
    assert ids == ("3",)
    assert odd is not None


def test_endless_list_ends_at_its_limit() -> None:
    ids, odd = parse_ids(",".join(map(str, range(MAX_IDS + 5000))))
    assert len(ids) == MAX_IDS
    assert odd is not None
    assert str(MAX_IDS) in odd.detail
