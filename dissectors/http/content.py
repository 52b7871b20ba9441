"""The end of a message body: what was sent becomes what was meant (content codings undone), within limits."""

from collections.abc import Callable

from dissectors.http.bodies import MAX_BODY_BYTES, Body
from dissectors.http.codings import decode

Say = Callable[[str, str], None]  # anomaly code, detail


def content(sent: Body, codings: str, whole: bool, say: Say) -> tuple[bytes | None, int | None]:
    """The decoded body when it was kept, is whole and could be decoded; and its size as far as that is known."""
    if sent.too_large:
        say("http_body_too_large", f"a body is over {MAX_BODY_BYTES} bytes: counted but not kept")
    body = sent.join() if whole else None
    if body is not None and codings:
        body, problem = decode(body, codings)
        if problem:
            say("http_bad_coding", problem)
        return body, None if body is None else len(body)
    return body, sent.size if whole and (not codings or not sent.size) else None
