"""Which transactions were asked for: by device, by command, by frame; and what to say when none was."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyzer.findings.words import counted, listed, no_device, plain
from dissectors.eas.query import COMMAND_CODES

if TYPE_CHECKING:
    from dissectors.eas import EasMessage
    from dissectors.events import Transaction

MAX_SEEN = 1000  # different devices and commands that are remembered
NAMED = 5

KNOWN_COMMANDS = (*COMMAND_CODES.values(), "OPTIONS", "Autodiscover", "Notify")


class Choice:
    """The words of the command line; remembers what it has let go."""

    def __init__(
        self, *, devices: Sequence[str] = (), commands: Sequence[str] = (), frames: Sequence[int] = ()
    ) -> None:
        self._asked = [word for word in devices if word]
        self._devices = [word.lower() for word in self._asked]
        self._commands = {word.lower() for word in commands}
        self._wanted = commands
        self._frames = frames
        self._seen: Counter[str] = Counter()  # messages of all commands
        self._known: dict[str, None] = {}  # devices
        self._near: tuple[int, int, str] | None = None  # distance to a wanted frame, the frame, what it carries
        self.found = 0

    @property
    def everything(self) -> bool:
        """Nothing in particular was asked for."""
        return not (self._asked or self._wanted or self._frames)

    def takes(self, t: Transaction, message: EasMessage) -> bool:
        """Whether this transaction was asked for."""
        command = message.command
        if command in self._seen or len(self._seen) < MAX_SEEN:
            self._seen[command] += 1
        if message.device_id and len(self._known) < MAX_SEEN:
            self._known.setdefault(message.device_id)
        wanted = (
            (not self._commands or command.lower() in self._commands)
            and (not self._devices or self._is_of_device(message))
            and (not self._frames or self._has_frame(t, command))
        )
        self.found += wanted
        return wanted

    def nothing(self) -> tuple[str, str]:
        """Why nothing was found, and a hint; one line each."""
        total = self._seen.total()
        if not total:
            if self._asked:
                return no_device(self._asked, ())
            return (
                "no Exchange ActiveSync message could be read in these captures",
                "directpush analyze says what is in them, and what stayed encrypted",
            )
        there = listed((f"{plain(name)} ({times:,})" for name, times in self._seen.most_common()), NAMED)
        if self._devices and not any(self._is_known(word) for word in self._devices):
            return no_device(self._asked, self._known)
        if self._commands and not self._commands & {name.lower() for name in self._seen}:
            said = listed(map(plain, self._wanted))
            close = [name for word in self._wanted for name in _close(word)]
            hint = f"did you mean {' or '.join(close)}? " if close else ""
            return f"no {said} in these captures", f"{hint}there are: {there}"
        if self._near is not None:
            _, frame, carries = self._near
            return (
                f"no part of an Exchange ActiveSync message that could be read is in frame {listed(self._frames)}",
                f"the nearest is in frame {frame:,}: {carries}",
            )
        return f"nothing that was asked for is among {counted(total, 'transaction')}", f"there are: {there}"

    def _is_of_device(self, message: EasMessage) -> bool:
        device, user = (message.device_id or "").lower(), (message.user or "").lower()
        return any(device.startswith(word) or user == word for word in self._devices)

    def _is_known(self, word: str) -> bool:
        return any(device.lower().startswith(word) for device in self._known)

    def _has_frame(self, t: Transaction, command: str) -> bool:
        for half, name in ((t.request, "request"), (t.response, "answer")):
            if half is None:
                continue
            for frame in self._frames:
                if half.first_frame <= frame <= half.last_frame:
                    return True
                distance, near = min((abs(frame - edge), edge) for edge in (half.first_frame, half.last_frame))
                if self._near is None or distance < self._near[0]:
                    self._near = (distance, near, f"{plain(command)} {name}")
        return False


def _close(word: str) -> list[str]:
    known = {name.lower(): name for name in KNOWN_COMMANDS}
    return [known[name] for name in difflib.get_close_matches(word.lower(), known, n=1)]
