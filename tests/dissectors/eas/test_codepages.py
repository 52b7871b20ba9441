"""The code page tables: the shared list of 656 tags is the truth, tshark a second opinion elsewhere."""

import csv

import pytest

from dissectors.eas import codepages
from tests.support.places import ROOT


def _shared_rows() -> list[dict[str, str]]:
    path = ROOT.parent / "shared" / "protocol" / "wbxml_codepages.csv"
    if not path.is_file():
        pytest.skip("the shared list of code pages is not beside this repository")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_tables_are_exactly_the_shared_list() -> None:
    expected = {
        (
            int(row["page"]),
            row["page_name"],
            row["xml_namespace"],
            int(row["token_hex"], 16),
            row["tag"],
            row["min_version"],
        )
        for row in _shared_rows()
    }
    tables = {
        (page.number, page.name, page.namespace, token, tag, page.min_versions[token])
        for page in codepages.PAGES.values()
        for token, tag in page.tags.items()
    }
    assert tables == expected
    assert len(tables) == 656


def test_every_token_is_one_that_a_tag_byte_can_hold() -> None:
    assert all(0x05 <= token <= 0x3F for page in codepages.PAGES.values() for token in page.tags)


def test_a_key_is_page_and_token_and_finds_its_name_again() -> None:
    assert codepages.key("Ping:HeartbeatInterval") == 13 << 8 | 0x08
    assert codepages.tag_name(13, 0x08) == "HeartbeatInterval"
    assert codepages.namespace(16) == "Gal"
    assert codepages.page_name(16) == "GAL"


def test_unknown_tags_and_pages_keep_their_numbers() -> None:
    assert codepages.tag_name(13, 0x3A) == "Unknown-0x3A"
    assert codepages.tag_name(0xFE, 0x05) == "Unknown-0x05"
    assert codepages.page_name(0xFE) == codepages.namespace(0xFE) == "Unknown-page-0xFE"
