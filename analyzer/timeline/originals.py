"""What SmartReply and SmartForward spared the device: bytes of the original that it had fetched and did not send back.

The server puts the original below the mail. Its size is known only where the capture shows how the device fetched it
whole, by ItemOperations, before; it is never guessed. What was fetched may itself be cut to the device's wishes and is
without attachments mostly, so that the original is at least as large.

Events arrive connection by connection, so fetches and mails are gathered and joined at the end, in order of time.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from analyzer.timeline.columns import Ints
from dissectors.eas import EasMessage
from dissectors.events import Transaction

if TYPE_CHECKING:
    from dissectors.eas.commands.compose import SourceItem
    from dissectors.eas.commands.itemoperations import FetchResponse

COMMANDS = frozenset({"ItemOperations", "SmartReply", "SmartForward"})
MAX_KEPT = 200_000  # fetches, and mails that name an original
_SUCCESS = 1  # MS-ASCMD 2.2.3.177.8
_OK = 200

_Item = tuple[str | None, str | None, str | None]  # folder and item, or the long id of a search


class _Fetched(NamedTuple):
    time_ns: int
    session: int  # provisional number
    item: _Item
    size: int


class _Sent(NamedTuple):
    row: int  # of the transaction
    time_ns: int
    session: int
    item: _Item


class Originals:
    """Give it the transactions of these commands, then ask `unsent` once."""

    def __init__(self) -> None:
        self._fetched: list[_Fetched] = []
        self._sent: list[_Sent] = []

    def add(self, row: int, session: int, t: Transaction, message: EasMessage) -> None:
        """A transaction of one of COMMANDS; `session`: its provisional number."""
        from dissectors.eas.commands.compose import ComposeRequest
        from dissectors.eas.commands.itemoperations import ItemOperationsResponse

        said, asked = message.response, message.request
        if isinstance(said, ItemOperationsResponse) and t.response is not None:
            for fetch in said.fetches:
                if (size := _whole_size(fetch)) and len(self._fetched) < MAX_KEPT:
                    item = _item(fetch.collection_id, fetch.server_id, fetch.long_id)
                    self._fetched.append(_Fetched(t.response.end_ns, session, item, size))
        elif isinstance(asked, ComposeRequest) and t.request is not None and asked.source is not None:
            accepted = t.response is not None and t.response.status == _OK
            if accepted and not asked.replace_mime and len(self._sent) < MAX_KEPT:
                self._sent.append(_Sent(row, t.request.start_ns, session, _of(asked.source)))

    def unsent(self, joined: Ints) -> dict[int, int]:
        """Bytes by row, where they are known. `joined`: provisional → joined number of a session."""
        known: dict[tuple[int, _Item], list[tuple[int, int]]] = {}
        for fetch in sorted(self._fetched, key=lambda fetch: (fetch.time_ns, fetch.size)):  # items may lack ids
            known.setdefault((int(joined[fetch.session]), fetch.item), []).append((fetch.time_ns, fetch.size))
        found = {}
        for sent in self._sent:
            fetches = known.get((int(joined[sent.session]), sent.item), [])
            before = bisect_right(fetches, (sent.time_ns,))
            if before:
                found[sent.row] = fetches[before - 1][1]
        return found


def _whole_size(fetch: FetchResponse) -> int:
    """Bytes of a fetched item; 0 where it is none, not whole or not there."""
    names_item = fetch.long_id or (fetch.collection_id and fetch.server_id)
    if not names_item or fetch.status != _SUCCESS or fetch.range is not None or fetch.file_reference is not None:
        return 0
    return fetch.part_bytes + fetch.inline_bytes


def _of(source: SourceItem) -> _Item:
    return _item(source.folder_id, source.item_id, source.long_id)


def _item(folder: str | None, item: str | None, long_id: str | None) -> _Item:
    return (None, None, long_id) if long_id else (folder, item, None)
