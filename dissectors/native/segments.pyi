import numpy as np
from numpy.typing import NDArray

from dissectors.capture import Frames
from dissectors.net.rows import Bytes, Ints
from dissectors.net.segments import Segments

REVISION: int

def plain(
    frames: Frames,
    found: Segments,
    count: int,
    begin: int,
    udp_ports: Bytes,
    udp_word: int,
    mixing: NDArray[np.uint64],
    masks: NDArray[np.uint64],
) -> tuple[int, Ints]: ...
