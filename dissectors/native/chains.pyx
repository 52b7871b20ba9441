# cython: language_level=3, boundscheck=True, wraparound=False, cdivision=True
"""Follows chains of records, many at a time: the work of `_step_all` in `dissectors/capture/chains.py`.

Each step waits for memory; taking turns, the chains wait together.
"""

import numpy as np

REVISION = 2  # see __init__.py


def step_all(const unsigned char[::1] data, const long long[::1] lanes, Py_ssize_t length_at, Py_ssize_t overhead,
             Py_ssize_t header, bint big_endian):
    """Sorted record starts of all lanes, each lane from its own start up to the start of the next one, the last one up
    to where a header no longer fits. A lane ends early behind a record that is shorter than its header.
    """
    cdef Py_ssize_t count = lanes.shape[0], size = data.shape[0], lane, number, under_way, at, field
    cdef long long length
    if not 0 <= length_at <= header - 4 or overhead < 0:
        raise ValueError("no record looks like that")
    bounds_ = np.append(lanes[1:], size - header + 1)
    room_ = np.maximum(bounds_ - lanes, 0) // header + 1  # records that a lane can have
    begins_ = np.cumsum(room_) - room_
    position_, filled_, active_ = np.array(lanes, np.int64), begins_.copy(), np.arange(count)
    whole = np.empty(int(room_.sum()), np.int64)
    cdef long long[::1] bounds = bounds_, position = position_, filled = filled_, found = whole
    cdef long long[::1] active = active_
    under_way = count
    while under_way:
        lane = 0
        while lane < under_way:
            number = active[lane]
            at = position[number]
            if at >= bounds[number]:
                under_way -= 1
                active[lane] = active[under_way]
                continue
            field = at + length_at
            if big_endian:
                length = <unsigned int>data[field] << 24 | data[field + 1] << 16
                length |= data[field + 2] << 8 | data[field + 3]
            else:
                length = <unsigned int>data[field + 3] << 24 | data[field + 2] << 16
                length |= data[field + 1] << 8 | data[field]
            length += overhead
            found[filled[number]] = at
            filled[number] += 1
            position[number] = at + length if length >= header else size
            lane += 1
    return np.concatenate([whole[begin:end] for begin, end in zip(begins_.tolist(), filled_.tolist())])
