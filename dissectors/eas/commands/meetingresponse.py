"""MeetingResponse: accepts or declines meetings.

Specification: MS-ASCMD 2.2.1.11; an InstanceId for one of a series from 14.1 on, a new time proposed from 16.1 on.
"""

from typing import NamedTuple

from dissectors.eas import tree
from dissectors.eas.codepages import key
from dissectors.eas.oddity import Oddity

MEETING_RESPONSE = key("MeetingResponse:MeetingResponse")
STATUS = key("MeetingResponse:Status")
REQUEST = key("MeetingResponse:Request")
RESULT = key("MeetingResponse:Result")
REQUEST_ID = key("MeetingResponse:RequestId")
CALENDAR_ID = key("MeetingResponse:CalendarId")
COLLECTION_ID = key("MeetingResponse:CollectionId")
USER_RESPONSE = key("MeetingResponse:UserResponse")
INSTANCE_ID = key("MeetingResponse:InstanceId")
SEND_RESPONSE = key("MeetingResponse:SendResponse")
PROPOSED_START = key("MeetingResponse:ProposedStartTime")
LONG_ID = key("Search:LongId")

USER_RESPONSES = {1: "accepted", 2: "tentative", 3: "declined"}  # MS-ASCMD 2.2.3.190


class Answer(NamedTuple):
    """A meeting that is answered: by collection and request, or by a long id from a search."""

    user_response: int | None  # see USER_RESPONSES
    collection_id: str | None
    request_id: str | None
    long_id: str | None
    occurrence: bool  # one of a series
    send_response: bool  # the server tells the organizer (16.0)
    proposes_time: bool  # (16.1)


class Result(NamedTuple):
    """What became of it."""

    request_id: str | None
    status: int | None
    calendar_id: str | None  # the entry in the calendar


class MeetingResponseRequest(NamedTuple):
    """Answers to meetings."""

    answers: tuple[Answer, ...]
    complete: bool
    oddities: tuple[Oddity, ...]


class MeetingResponseResponse(NamedTuple):
    """What became of each."""

    status: int | None  # of the whole, only when all of it failed
    results: tuple[Result, ...]
    complete: bool
    oddities: tuple[Oddity, ...]


COMMAND = "MeetingResponse"


def read_request(body: bytes, *_ignored: object) -> MeetingResponseRequest | None:
    """The request in a body; None when the body is not a MeetingResponse."""
    found = tree.read(body, MEETING_RESPONSE)
    if found is None:
        return None
    answers = [
        Answer(
            found.number(each, USER_RESPONSE),
            found.text(each, COLLECTION_ID),
            found.text(each, REQUEST_ID),
            found.text(each, LONG_ID),
            found.child(each, INSTANCE_ID) is not None,
            found.child(each, SEND_RESPONSE) is not None,
            any(True for _ in found.below(each, PROPOSED_START)),
        )
        for each in found.children(found.root, REQUEST)
    ]
    return MeetingResponseRequest(answers=tuple(answers), complete=found.complete, oddities=found.oddities)


def read_response(body: bytes, *_ignored: object) -> MeetingResponseResponse | None:
    """The response in a body; None when the body is not a MeetingResponse."""
    found = tree.read(body, MEETING_RESPONSE)
    if found is None:
        return None
    results = [
        Result(found.text(each, REQUEST_ID), found.number(each, STATUS), found.text(each, CALENDAR_ID))
        for each in found.children(found.root, RESULT)
    ]
    return MeetingResponseResponse(
        status=found.number(found.root, STATUS),
        results=tuple(results),
        complete=found.complete,
        oddities=found.oddities,
    )
