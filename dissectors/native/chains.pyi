from dissectors.capture.frames import Bytes, Longs

REVISION: int

def step_all(data: Bytes, lanes: Longs, length_at: int, overhead: int, header: int, big_endian: bool) -> Longs: ...
