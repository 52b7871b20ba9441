"""One recorder for the whole session: what several tests look at is recorded once."""

from collections.abc import Callable, Iterator
from shutil import which

import pytest

from tests.support.tls_recording.recorder import Recorder, Recording, Scenario, Unavailable
from tests.tls_live.scenarios import everything

pytest.register_assert_rewrite("tests.tls_live.checks")

Record = Callable[[Scenario], Recording]


@pytest.fixture(scope="session")
def recorder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    """Begins at once with the scenarios that the selected tests name in their parameters."""
    if which("openssl") is None:
        pytest.skip("openssl is not installed")
    wanted = [
        value
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        for value in item.callspec.params.values()
        if isinstance(value, str)
    ]
    with Recorder(tmp_path_factory.mktemp("tls")) as recorder:
        recorder.start(everything()[name] for name in wanted if name in everything())
        yield recorder


@pytest.fixture
def record(recorder: Recorder) -> Record:
    """Records a scenario, or skips the test and says what this OpenSSL lacks."""

    def record(scenario: Scenario) -> Recording:
        try:
            return recorder.record(scenario)
        except Unavailable as lack:
            pytest.skip(str(lack))

    return record
