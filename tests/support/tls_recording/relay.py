"""The tap: a relay on a loopback port of the system's choice that notes every chunk of bytes before it passes it on.

Because a chunk is noted before the other side can see it, the order of the notes is the order of cause and effect, as
in a capture at a point of the path. One connection after the other, as many as come.
"""

import selectors
import socket
import threading
import time
from typing import Literal, NamedTuple

from dissectors.events import CLIENT, SERVER

CHUNK_BYTES = 1 << 16
TIMEOUT_S = 15.0


class Note(NamedTuple):
    """What one side did at a time: sent bytes, ended its direction, or reset the connection."""

    time_ns: int
    side: int
    what: Literal["data", "fin", "rst"]
    data: bytes = b""


class Conversation(NamedTuple):
    """One TCP connection as the relay saw it."""

    notes: tuple[Note, ...]

    def stream(self, side: int) -> bytes:
        """All bytes of a side."""
        return b"".join(note.data for note in self.notes if note.side == side)

    def turns(self) -> list[tuple[int, bytes]]:
        """Side and bytes of each chunk, in order."""
        return [(note.side, note.data) for note in self.notes if note.data]


class Relay:
    """Stands between clients and one server; `with` ends it."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT_S)
        self.port: int = self._listener.getsockname()[1]
        self._changed = threading.Condition()
        self._conversations: list[list[Note]] = []
        self._ended = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Relay":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        with socket.socket() as waker:  # ends `accept`
            waker.connect_ex(("127.0.0.1", self.port))
        self._thread.join(TIMEOUT_S)
        self._listener.close()

    # ------------------------------------------------------------------ what was seen

    def conversations(self) -> list[Conversation]:
        """Every connection so far."""
        with self._changed:
            return [Conversation(tuple(notes)) for notes in self._conversations]

    def wait_for_end(self, count: int) -> None:
        """Until `count` connections have ended."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._ended >= count, TIMEOUT_S):
                raise TimeoutError(f"{self._ended} of {count} connections ended")

    def seen(self) -> int:
        """How many notes there are."""
        with self._changed:
            return sum(map(len, self._conversations))

    def settle(self, before: int, quiet_s: float) -> None:
        """Until something was noted after the first `before` notes, and then nothing for a while."""
        deadline = time.monotonic() + TIMEOUT_S
        with self._changed:
            if not self._changed.wait_for(lambda: self._count() > before, TIMEOUT_S):
                raise TimeoutError("nothing more was sent")
            while self._changed.wait(quiet_s):
                if time.monotonic() > deadline:
                    raise TimeoutError("the connection does not come to rest")

    def _count(self) -> int:
        return sum(map(len, self._conversations))

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        while not self._stopping:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._stopping:
                client.close()
                return
            with client, socket.create_connection(("127.0.0.1", self._server_port), TIMEOUT_S) as server:
                self._pump((client, server))

    def _pump(self, sockets: tuple[socket.socket, socket.socket]) -> None:
        notes: list[Note] = []
        with self._changed:
            self._conversations.append(notes)
        with selectors.DefaultSelector() as selector:
            for side, end in enumerate(sockets):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(end, selectors.EVENT_READ, side)
            while selector.get_map():
                for key, _ in selector.select(TIMEOUT_S):
                    side = key.data
                    if self._pass_on(notes, side, sockets[side], sockets[1 - side]):
                        continue
                    selector.unregister(sockets[side])
                    if notes[-1].what == "rst":
                        self._end()
                        return
        self._end()

    def _pass_on(self, notes: list[Note], side: int, source: socket.socket, target: socket.socket) -> bool:
        """Moves one chunk; False when the side has ended."""
        try:
            data = source.recv(CHUNK_BYTES)
        except ConnectionResetError:
            self._note(notes, Note(time.time_ns(), side, "rst"))
            return False
        self._note(notes, Note(time.time_ns(), side, "data" if data else "fin", data))
        try:
            if data:
                target.sendall(data)
            else:
                target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the other side has gone: what it was sent was on the wire all the same
        return bool(data)

    def _note(self, notes: list[Note], note: Note) -> None:
        with self._changed:
            notes.append(note)
            self._changed.notify_all()

    def _end(self) -> None:
        with self._changed:
            self._ended += 1
            self._changed.notify_all()


assert (CLIENT, SERVER) == (0, 1)  # `_pump` numbers the sockets so
