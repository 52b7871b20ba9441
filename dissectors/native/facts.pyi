import numpy as np
from numpy.typing import NDArray

from dissectors.events import Reset
from dissectors.net.rows import Bytes, Ints
from dissectors.net.segments import Segments

REVISION: int

def grouped(keys: NDArray[np.uint64]) -> tuple[Ints, Ints]: ...
def fold(
    segments: Segments, order: Ints, counts: Ints, slots: Ints, memory: tuple[Ints, Ints, Ints, Ints]
) -> tuple[Ints, Bytes, Ints, Ints, Ints, list[tuple[int, Reset]]]: ...
