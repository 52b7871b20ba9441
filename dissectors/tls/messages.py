"""Handshake messages put together from records: split over several, or several in one (RFC 8446 5.1)."""

from typing import Final, NamedTuple

from dissectors.tls.handshake import CLIENT_HELLO, SERVER_HELLO

MESSAGE_LIMIT: Final = 128 * 1024  # bytes kept of one message; a long certificate chain has 20 KB

_HEADER_BYTES: Final = 4


class Message(NamedTuple):
    """One handshake message."""

    kind: int
    body: bytes
    cut: bool = False  # a hello of which only the beginning is in the capture
    too_long: int = 0  # the length of a message that is not kept; `body` is empty


class Messages:
    """The handshake stream of one side."""

    __slots__ = ("_buffer", "_out_of_step", "_skip")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._skip = 0  # bytes left of a message that is too long to keep
        self._out_of_step = False  # a gap: what follows may be the middle of a message

    def gap(self) -> None:
        """Bytes of this side are missing."""
        self._buffer.clear()
        self._skip = 0
        self._out_of_step = True

    def feed(self, content: bytes) -> list[Message]:
        """The messages that the content of one more record completes."""
        if self._out_of_step and not self._buffer and not _is_whole(content):
            return []
        length = int.from_bytes(content[1:_HEADER_BYTES], "big")
        if (
            length == len(content) - _HEADER_BYTES <= MESSAGE_LIMIT - _HEADER_BYTES
            and not self._buffer
            and not self._skip
        ):
            return [Message(content[0], content[_HEADER_BYTES:])]  # one whole message, as most records hold
        found: list[Message] = []
        if self._skip:
            skipped = min(self._skip, len(content))
            self._skip -= skipped
            content = content[skipped:]
        buffer = self._buffer
        buffer += content
        position = 0
        while len(buffer) - position >= _HEADER_BYTES:
            kind = buffer[position]
            end = position + _HEADER_BYTES + int.from_bytes(buffer[position + 1 : position + 4], "big")
            if end - position > MESSAGE_LIMIT:
                found.append(Message(kind, b"", too_long=end - position))
                self._skip = max(0, end - len(buffer))
                end = min(end, len(buffer))
            elif end > len(buffer):
                break
            else:
                found.append(Message(kind, bytes(buffer[position + _HEADER_BYTES : end])))
            position = end
        del buffer[:position]
        return found

    def cut_hello(self) -> Message | None:
        """The beginning of a hello that is not whole in the capture, when that is what is left."""
        buffer = self._buffer
        if len(buffer) < _HEADER_BYTES or buffer[0] not in (CLIENT_HELLO, SERVER_HELLO):
            return None
        message = Message(buffer[0], bytes(buffer[_HEADER_BYTES:]), cut=True)
        buffer.clear()
        return message


def _is_whole(content: bytes) -> bool:
    """Whether a record consists of whole messages."""
    position = 0
    while position + _HEADER_BYTES <= len(content):
        position += _HEADER_BYTES + int.from_bytes(content[position + 1 : position + 4], "big")
    return position == len(content)
