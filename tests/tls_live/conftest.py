"""One recorder for the whole session: what several tests look at is recorded once."""

from collections.abc import Callable, Iterator
from shutil import which

import pytest

from tests.support.tls_recording.recorder import Recorder, Recording, Scenario, Unavailable
from tests.tls_live.scenarios import everything

pytest.register_assert_rewrite("tests.tls_live.checks")

Record = Callable[[Scenario], Recording]


@pytest.fixture(scope="session")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    if which("openssl") is None:
        pytest.skip("openssl is not installed")
    with Recorder(tmp_path_factory.mktemp("tls")) as recorder:
        yield recorder


@pytest.fixture(scope="module", autouse=True)
def begun(request: pytest.FixtureRequest, recorder: Recorder) -> None:
    """Begins at once with the scenarios that the selected tests of a file name in their parameters: the other files may
    be another process's.
    """
    wanted = [
        value
        for item in request.session.items
        if item.path == request.path and isinstance(item, pytest.Function) and hasattr(item, "callspec")
        for value in item.callspec.params.values()
        if isinstance(value, str)
    ]
    recorder.start(everything()[name] for name in wanted if name in everything())


@pytest.fixture
def record(recorder: Recorder) -> Record:
    """Records a scenario, or skips the test and says what this OpenSSL lacks."""

    def record(scenario: Scenario) -> Recording:
        try:
            return recorder.record(scenario)
        except Unavailable as lack:
            pytest.skip(str(lack))

    return record
