"""A healthy device that speaks TLS 1.2 with ChaCha20-Poly1305.

Waits expire, one brings mail. For readers of captures without keys.
"""

from samples.lab.recording import Recording
from samples.lab.scenario import Expected, Scenario


def story(run: Recording) -> None:
    run.after("Ping", 4, 2.0)
    run.deliver()


SCENARIO = Scenario(
    scripts=(
        [
            ["options"],
            ["foldersync"],
            ["sync", "5"],
            ["ping", 5],
            ["ping", 5],
            ["ping", 5],
            ["ping", 8],
            ["sync", "5"],
            ["ping", 5],
        ],
    ),
    device={"tls": "1.2", "ciphers": "ECDHE-ECDSA-CHACHA20-POLY1305"},
    story=story,
)
EXPECTED: Expected = {}
