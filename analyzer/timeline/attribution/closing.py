"""What a close without RST is like: close_notify or GOAWAY before the FIN, or none; the FIN's own TTL; life after it.

A close_notify is encrypted with the connection's keys: only the endpoint that ends TLS can send one, so with it the
close is that endpoint's own. A FIN without it is what a TLS terminator, a killed process or a sloppy client sends: it
says little about who. Few boxes forge a FIN; the packet's TTL would tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analyzer.timeline.attribution import afterlife
from analyzer.timeline.attribution.weighing import Clue, Weights, of_side
from dissectors.events import Connection

NOTIFIED = 2.0
FORGED_FAR = 2.2
FORGED_NEAR = 0.8
COMPARED = 3  # other packets of that side that the FIN's TTL is held against

_FIN, _RST = 0x01, 0x04
_NAMES = ("client", "server")


def clues(side: int, frame: int | None, c: Connection) -> Iterator[Clue]:
    """Everything that speaks for or against the side whose address the close carries."""
    for clue in CLUES:
        found = clue(side, frame, c)
        if found is not None:
            yield found


def close_notify(side: int, frame: int | None, c: Connection) -> Clue | None:
    if c.tls is None:
        return None
    if c.tls.close_notify_ns[side] is not None:
        detail = f"TLS close_notify of the {_NAMES[side]}"
        frames = () if c.tls.close_notify_frame[side] is None else (c.tls.close_notify_frame[side],)
        return Clue("close_notify", detail, tuple(f for f in frames if f is not None), of_side(side, NOTIFIED))
    if c.decryption != "decrypted":  # one would not have been recognised
        return None
    detail = f"the {_NAMES[side]}'s FIN came without the TLS close_notify of an orderly close"
    return Clue("no_close_notify", detail, () if frame is None else (frame,))


def goaway(side: int, frame: int | None, c: Connection) -> Clue | None:
    """HTTP/2's own farewell, sent inside TLS: only an endpoint can."""
    if c.goaway is None or c.goaway.side != side:
        return None
    detail = f"the {_NAMES[side]} announced the end with GOAWAY (HTTP/2, error code {c.goaway.error_code})"
    return Clue("goaway", detail, (c.goaway.frame,), of_side(side, NOTIFIED))


def fin_ttl(side: int, frame: int | None, c: Connection) -> Clue | None:
    own = [n for n in c.last_packets if n.side == side and not n.flags & _RST]
    fin = next((n for n in own if n.frame == frame and n.flags & _FIN), None)
    others = [n.ttl for n in own if not n.flags & _FIN]
    if fin is None or len(others) < COMPARED or min(others) <= fin.ttl <= max(others):
        return None
    away = min(abs(fin.ttl - min(others)), abs(fin.ttl - max(others)))
    detail = f"the FIN has TTL {fin.ttl}, the {_NAMES[side]}'s packets before it {max(others)}"
    weights = Weights(middlebox=FORGED_NEAR if away == 1 else FORGED_FAR)
    return Clue("fin_ttl_differs", detail, (fin.frame,), weights)


CLUES: tuple[Callable[[int, int | None, Connection], Clue | None], ...] = (
    close_notify,
    goaway,
    fin_ttl,
    afterlife.after_fin,
)
