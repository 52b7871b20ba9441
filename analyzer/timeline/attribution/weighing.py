"""Clues and how they are weighed: who, of four suspects, ended a connection, and how sure that is.

A clue's weight for a suspect is the logarithm (base 10) of how much likelier the clue is when that suspect did it than
when another did: 1 is ten to one. Weights of one end are added. The suspect with the greatest sum is named when it
leads the next one by enough; the lead is also the grade:

    proven     PROVEN and more; only clues that no one else can leave weigh so much
    likely     LIKELY and more
    possible   POSSIBLE and more, but a box on the way is not named on that: to accuse somebody's firewall wrongly is
               worse than to say unknown

Addresses are mostly true, so the side whose address a packet carries starts with OWN_ADDRESS. A single weak clue, such
as one hop of difference, does not outweigh that; two weak ones together may.

The weights are judgements of odds, not measurements; the confusion matrix over recorded captures
(samples/lab/confusion.md) holds them to account.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

EndedBy = Literal["client", "server_side", "middlebox", "path", "unknown"]
Grade = Literal["proven", "likely", "possible", "unknown"]

PROVEN = 2.5
LIKELY = 1.0
POSSIBLE = 0.5

OWN_ADDRESS = 1.0  # a packet mostly comes from the one whose address it carries


class Weights(NamedTuple):
    """What a clue says for each suspect."""

    client: float = 0.0
    server_side: float = 0.0  # the endpoint that ends TCP on the server's side, as seen from here
    middlebox: float = 0.0
    path: float = 0.0  # packets vanished, and nobody said anything


class Clue(NamedTuple):
    """One thing that was seen."""

    kind: str
    detail: str  # a sentence
    frames: tuple[int, ...]
    weights: Weights = Weights()


_SUSPECTS: tuple[EndedBy, ...] = ("client", "server_side", "middlebox", "path")


def of_side(side: int, weight: float) -> Weights:
    """A weight for one of the two endpoints: 0 is the client, 1 the server's side."""
    return Weights(server_side=weight) if side else Weights(client=weight)


def weigh(weights: Iterable[Weights]) -> tuple[EndedBy, Grade]:
    """Who did it, and how sure that is."""
    sums = [sum(of_one) for of_one in zip(Weights(), *weights, strict=True)]
    order = sorted(range(len(sums)), key=lambda n: -sums[n])
    first, lead = _SUSPECTS[order[0]], sums[order[0]] - sums[order[1]]
    if lead < (LIKELY if first == "middlebox" else POSSIBLE):
        return "unknown", "unknown"
    return first, "proven" if lead >= PROVEN else "likely" if lead >= LIKELY else "possible"
