"""Two captures of the same connections, taken at the device's and at the server's side: who did what, and what became
of it on the way.

`pair` reads both, finds the connections that are in both (`match`), lines their packets up (`lined`), puts both clocks
on one scale (`clocks`), follows each packet (`segments`), reads the signs of the end (`signs`) and judges (`endings`).
Requests through a proxy that ends TLS are compared by content (`exchanges`). Nothing here guesses: what a capture lacks
is not said to have been dropped.
"""

from analyzer.pair.pairing import Pair, Pairing, pair
from analyzer.pair.recognise import same_connections

__all__ = ["Pair", "Pairing", "pair", "same_connections"]
