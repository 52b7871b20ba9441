"""What could not be read or used, in one line and a hint."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

PathLike = str | os.PathLike[str]


class Trouble(NamedTuple):
    """Something that could not be read or used; one line each."""

    message: str
    hint: str

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})"


class AnalyzeError(Exception):
    """Nothing could be read. `troubles` says why, one for each capture."""

    def __init__(self, troubles: Sequence[Trouble]) -> None:
        super().__init__("; ".join(map(str, troubles)))
        self.troubles = tuple(troubles)
