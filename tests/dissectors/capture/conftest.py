"""Every test of the readers runs with the compiled kernels, with more of their lanes than usual, and without."""

from collections.abc import Iterator

import pytest

from dissectors.capture import chains
from tests.support.kernels import WAYS, compiled


@pytest.fixture(autouse=True, scope="module", params=WAYS, ids=["compiled" if way else "numpy" for way in WAYS])
def way(request: pytest.FixtureRequest) -> Iterator[bool]:
    usual, chains.COMPILED_LANE_BYTES = chains.COMPILED_LANE_BYTES, chains.LANE_BYTES
    with compiled(request.param):
        yield request.param
    chains.COMPILED_LANE_BYTES = usual
