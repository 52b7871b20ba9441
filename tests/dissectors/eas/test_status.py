"""The words for status numbers."""

from dissectors.eas import status
from dissectors.eas.commands import all_readers


def test_a_commands_own_table_is_asked_before_the_common_one() -> None:
    assert status.meaning("Ping", 2) == "changes"
    assert status.meaning("Sync", 3).startswith("sync key is not valid")
    assert status.meaning("MoveItems", 3) == "success"
    assert status.meaning("ItemOperations", 155) == "options are missing"


def test_a_part_with_a_table_of_its_own_is_asked_first() -> None:
    assert status.meaning("Provision", 2, "Policy") == "there is no policy for this device"
    assert status.meaning("Provision", 2, "PolicyAcknowledgement") == "policy partly applied"
    assert status.meaning("Provision", 2) == "protocol error in the request"
    assert status.meaning("ItemOperations", 156, "Move") != status.meaning("ItemOperations", 156)
    assert status.meaning("ResolveRecipients", 162, "Availability") == "availability: transient failure"
    assert status.meaning("Provision", 140, "Policy") == "remote wipe requested"


def test_common_statuses_hold_for_every_command() -> None:
    assert {status.meaning(command, 129) for command in ("Ping", "Sync", "Find", "Unheard")} == {
        "device is blocked for this user"
    }


def test_unknown_numbers_say_so() -> None:
    assert status.meaning("Ping", 99) == "unknown (99)"
    assert status.meaning("Unheard", 1) == "unknown (1)"
    assert status.http_meaning(418) == "unknown (418)"


def test_http_statuses_have_their_meaning_on_eas() -> None:
    assert "provision" in status.http_meaning(449)
    assert "another server" in status.http_meaning(451)
    assert "full" in status.http_meaning(507)


def test_every_table_belongs_to_a_command_that_exists() -> None:
    assert set(status.BY_COMMAND) <= set(all_readers())
    assert {command for command, _ in status.BY_PART} <= set(status.BY_COMMAND)
    assert min(status.COMMON) == 101
    assert max(status.COMMON) == 184
