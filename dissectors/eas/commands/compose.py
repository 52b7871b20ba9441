"""What SendMail, SmartReply and SmartForward have in common: a mail on its way out.

Specification: MS-ASCMD 2.2.1.17, 2.2.1.19 and 2.2.1.20. Up to 12.1 the body is the mail itself (MIME), and the query
says the rest; from 14.0 on it is WBXML of the page ComposeMail with the mail inside. Success is an empty answer.

SmartReply and SmartForward name the mail they belong to, which the server puts below the new one: it does not travel,
and what is saved by that is its size. The mail itself stays behind, as it is personal; only its size is told.
"""

from typing import Literal, NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity
from dissectors.eas.query import EasQuery
from dissectors.eas.walk import is_wbxml

STATUS = key("ComposeMail:Status")
CLIENT_ID = key("ComposeMail:ClientId")
ACCOUNT_ID = key("ComposeMail:AccountId")
SAVE_IN_SENT_ITEMS = key("ComposeMail:SaveInSentItems")
REPLACE_MIME = key("ComposeMail:ReplaceMime")
SOURCE = key("ComposeMail:Source")
FOLDER_ID = key("ComposeMail:FolderId")
ITEM_ID = key("ComposeMail:ItemId")
LONG_ID = key("ComposeMail:LongId")
INSTANCE_ID = key("ComposeMail:InstanceId")
MIME = key("ComposeMail:Mime")
FORWARDEE = key("ComposeMail:Forwardee")
TEMPLATE_ID = key("RightsManagement:TemplateID")


class SourceItem(NamedTuple):
    """The item that is answered or forwarded: by folder and item, or by a long id from a search."""

    folder_id: str | None
    item_id: str | None
    long_id: str | None
    occurrence: bool  # one of a series of meetings


class ComposeRequest(NamedTuple):
    """A mail to send."""

    form: Literal["mime", "wbxml"]  # up to 12.1, from 14.0 on
    mime_bytes: int | None  # of the mail itself; None: there is none, as in a forwarded meeting of 16.0
    save_in_sent: bool
    replace_mime: bool  # the server adds nothing below the mail (SmartReply, SmartForward)
    source: SourceItem | None
    client_id: str | None  # by which the server knows a mail that it has sent already
    other_account: bool  # sent from another account of the user (14.1)
    protected: bool  # by rights management (14.1)
    forwardees: int  # of a meeting (16.0)
    complete: bool
    oddities: tuple[Oddity, ...]


class ComposeResponse(NamedTuple):
    """Empty: sent."""

    empty: bool
    status: int | None
    complete: bool
    oddities: tuple[Oddity, ...]


def read_request(body: bytes, query: EasQuery, root: int) -> ComposeRequest | None:
    """The request in a body, of a command with this root; None when the body is WBXML with another one."""
    if not is_wbxml(body):
        return _mime_request(body, query)
    found = tree.read(body, root)
    if found is None:
        return None
    source = found.child(found.root, SOURCE)
    mime = found.child(found.root, MIME)
    return ComposeRequest(
        form="wbxml",
        mime_bytes=None if mime is None else len(mime.opaque or b"") + len((mime.text or "").encode()),
        save_in_sent=found.flag(found.root, SAVE_IN_SENT_ITEMS),
        replace_mime=found.flag(found.root, REPLACE_MIME),
        source=None
        if source is None
        else SourceItem(
            found.text(source, FOLDER_ID),
            found.text(source, ITEM_ID),
            found.text(source, LONG_ID),
            found.child(source, INSTANCE_ID) is not None,
        ),
        client_id=found.text(found.root, CLIENT_ID),
        other_account=found.child(found.root, ACCOUNT_ID) is not None,
        protected=found.child(found.root, TEMPLATE_ID) is not None,
        forwardees=sum(1 for _ in found.below(found.root, FORWARDEE)),
        complete=found.complete,
        oddities=found.oddities,
    )


def read_response(body: bytes, root: int) -> ComposeResponse | None:
    """The response in a body; None when the body is not of a command with this root."""
    if not body:
        return ComposeResponse(empty=True, status=None, complete=True, oddities=())
    found = tree.read(body, root)
    if found is None:
        return None
    return ComposeResponse(
        empty=False, status=found.number(found.root, STATUS), complete=found.complete, oddities=found.oddities
    )


def _mime_request(body: bytes, query: EasQuery) -> ComposeRequest:
    """A body that is a mail, with the parameters in the query (MS-ASHTTP 2.2.1.1.1.1.3)."""
    given = dict(reversed(query.parameters))  # the first of each name counts
    item = SourceItem(
        given.get("CollectionId"), given.get("ItemId"), given.get("LongId"), bool(given.get("Occurrence"))
    )
    return ComposeRequest(
        form="mime",
        mime_bytes=len(body),
        save_in_sent=given.get("SaveInSent", "").upper() == "T",
        replace_mime=False,
        source=item if any(item) else None,
        client_id=None,
        other_account=False,
        protected=False,
        forwardees=0,
        complete=True,
        oddities=(),
    )
