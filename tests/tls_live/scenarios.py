"""The table of what is recorded: the bare suites, and one function for each feature of the protocol, with each suite
that it is worth to be seen with.

To add one: a function that takes a suite's short name and yields scenarios, and a line in `features`.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import pytest

from dissectors.events import CLIENT, SERVER
from tests.support.tls_recording.recorder import PSK, Presses, Says, Scenario, Step, Visit, digits, exchange
from tests.support.tls_recording.suites import Suite, suite, suites

# Short names of the suites that features are shown with: one for each way that records are protected.
NAMED = {
    "1.3 gcm": ("tls1_3", "TLS_AES_128_GCM_SHA256"),
    "1.3 sha384": ("tls1_3", "TLS_AES_256_GCM_SHA384"),
    "1.3 chacha": ("tls1_3", "TLS_CHACHA20_POLY1305_SHA256"),
    "1.2 gcm": ("tls1_2", "ECDHE-RSA-AES128-GCM-SHA256"),
    "1.2 rsa gcm": ("tls1_2", "AES256-GCM-SHA384"),
    "1.2 chacha": ("tls1_2", "ECDHE-RSA-CHACHA20-POLY1305"),
    "1.2 ccm8": ("tls1_2", "AES128-CCM8"),
    "1.2 cbc": ("tls1_2", "ECDHE-RSA-AES256-SHA384"),
    "1.2 rsa cbc": ("tls1_2", "AES128-SHA256"),
    "1.1 cbc": ("tls1_1", "ECDHE-RSA-AES128-SHA"),
    "1.0 cbc": ("tls1", "DHE-RSA-AES256-SHA"),
    "1.0 rsa cbc": ("tls1", "AES128-SHA"),
    "1.0 null": ("tls1", "NULL-SHA"),
}
TLS13 = ("1.3 gcm", "1.3 sha384", "1.3 chacha")
OLDER = tuple(name for name in NAMED if name not in TLS13)
BLOCK = tuple(name for name in NAMED if "cbc" in name)


def named(name: str) -> Suite | None:
    """The suite behind a short name; None where this OpenSSL does not have it."""
    return suite(*NAMED[name])


def suite_of(name: str) -> Suite:
    """The same for a test, which is skipped then."""
    one = named(name)
    if one is None:
        pytest.skip(f"this OpenSSL has no suite for {name!r}")
    return one


def features() -> list[Scenario]:
    """Every scenario of the table, as far as this OpenSSL has the suites."""
    kinds = (
        (session_id, OLDER),
        (ticket, OLDER),
        (psk, TLS13),
        (early_data, TLS13),
        (hello_retry, TLS13),
        (key_update, TLS13),
        (client_certificate, NAMED),
        (renegotiation, OLDER),
        (post_handshake_authentication, TLS13),
        (fragments, NAMED),
        (padding, TLS13),
        (block_padding, NAMED),
        (plain_extensions, OLDER),
        (mac_then_encrypt, BLOCK),
        (large, NAMED),
    )
    return [scenario for kind, names in kinds for name in names if (one := named(name)) for scenario in kind(name, one)]


@cache
def everything() -> dict[str, Scenario]:
    """Bare suites and features by name."""
    return {scenario.name: scenario for scenario in (*every_suite(), *features())}


def by_name(name: str) -> Scenario:
    """One of them; skips the test where this OpenSSL has no such suite."""
    if name not in everything():
        assert name.rpartition(", ")[2] in NAMED, name
        pytest.skip(f"this OpenSSL has no suite for {name!r}")
    return everything()[name]


QUICK = ("1.3 gcm", "1.2 rsa cbc")  # the short names that are always run: the usual case and the odd one


def is_quick(name: str) -> bool:
    """Whether a scenario (or a bare short name) is among the few that are always run."""
    return name.rpartition(", ")[2] in QUICK


def marked(names: Iterable[str], quick: Callable[[str], bool] = is_quick) -> list[Any]:
    """Names as parameters of a test; all but the quick ones marked slow."""
    return [pytest.param(name, id=name, marks=[] if quick(name) else pytest.mark.slow) for name in names]


# ---------------------------------------------------------------- sessions


def _twice(what: str, name: str, one: Suite, *server: str, client: tuple[str, ...] = ()) -> Scenario:
    full = f"{what}, {name}"
    return Scenario(
        name=full,
        suite=one,
        server=server,
        client=client,
        visits=(
            Visit(talk=exchange(f"{full} 1"), client=("-sess_out", "session"), shows=("New, ",)),
            Visit(talk=exchange(f"{full} 2"), client=("-sess_in", "session"), shows=("Reused, ",)),
        ),
    )


def session_id(name: str, one: Suite) -> Iterator[Scenario]:
    yield _twice("session id", name, one, "-no_ticket")


def ticket(name: str, one: Suite) -> Iterator[Scenario]:
    yield _twice("ticket", name, one)


def psk(name: str, one: Suite) -> Iterator[Scenario]:
    yield _twice("psk", name, one)
    yield _twice("psk without exchange", name, one, "-allow_no_dhe_kex", client=("-allow_no_dhe_kex",))
    yield _twice("psk with many tickets", name, one, "-num_tickets", "7")
    if not one.name.endswith("SHA256"):
        return  # the hash of such a PSK, unless agreed otherwise
    shared = ("-psk", PSK)  # agreed beforehand: no session, but a PSK all the same (RFC 8446 4.2.11)
    full = f"external psk, {name}"
    visit = Visit(talk=exchange(full), shows=("Reused, ",))
    yield Scenario(name=full, suite=one, server=(*shared, "-nocert"), client=shared, visits=(visit,))


def early_data(name: str, one: Suite) -> Iterator[Scenario]:
    for what, server, word, size in (
        ("accepted", ("-early_data", "-max_early_data", "16384"), "accepted", 3000),
        ("long", ("-early_data", "-max_early_data", "60000", "-recv_max_early_data", "60000"), "accepted", 50000),
        ("rejected", ("-max_early_data", "16384"), "rejected", 3000),
        ("rejected by retry", ("-early_data", "-max_early_data", "16384", "-groups", "P-384"), "rejected", 3000),
    ):
        full = f"early data {what}, {name}"
        request, response = exchange(f"{full} early", up=size)
        accepted = word == "accepted"
        yield Scenario(
            name=full,
            suite=one,
            server=server,
            client=("-groups", "X25519:P-384"),
            visits=(
                Visit(talk=exchange(f"{full} first"), client=("-sess_out", "session")),
                Visit(
                    early=request.data,
                    early_accepted=accepted,
                    # What is rejected is sent again (RFC 8446 4.2.10).
                    talk=(*(() if accepted else (request,)), response, *exchange(f"{full} last")),
                    client=("-sess_in", "session"),
                    shows=(f"Early data was {word}",),
                ),
            ),
        )


# ---------------------------------------------------------------- handshakes


def hello_retry(name: str, one: Suite) -> Iterator[Scenario]:
    yield Scenario(
        name=f"hello retry, {name}", suite=one, server=("-groups", "P-384"), client=("-groups", "X25519:P-384")
    )


def client_certificate(name: str, one: Suite) -> Iterator[Scenario]:
    ask = ("-verify", "1")
    yield Scenario(name=f"client certificate, {name}", suite=one, server=ask, client_identity="rsa")
    yield Scenario(name=f"no client certificate, {name}", suite=one, server=ask)


def _around(full: str, *presses: Presses) -> tuple[Step, ...]:
    """Exchanges with something after each; then once more the same, between a request and its response."""
    steps: list[Step] = []
    for number, press in enumerate(presses):
        steps += [*exchange(f"{full} {number} before", 700, 900), press]
    for number, press in enumerate(presses):
        request, response = exchange(f"{full} {number} within", 700, 900)
        steps += [request, press, response]
    return (*steps, *exchange(f"{full} after", 700, 900))


def key_update(name: str, one: Suite) -> Iterator[Scenario]:
    full = f"key update, {name}"
    presses = (Presses(CLIENT, "k"), Presses(CLIENT, "K"), Presses(SERVER, "k"), Presses(SERVER, "K"))
    said = (">>> TLS 1.3, Handshake [length 0005], KeyUpdate",)
    talk = _around(full, *presses)
    yield Scenario(
        name=full, suite=one, server=("-msg",), shows=said, visits=(Visit(talk=talk, client=("-msg",), shows=said),)
    )


def renegotiation(name: str, one: Suite) -> Iterator[Scenario]:
    full_again = "-no_resumption_on_reneg"  # otherwise the session is resumed inside its own connection
    for what, server, press, shows in (
        ("by the client", ("-client_renegotiation",), Presses(CLIENT, "R"), ()),
        ("by the server", (), Presses(SERVER, "r"), ()),
        ("without resumption", (full_again,), Presses(SERVER, "r"), ()),
        ("for a certificate", (full_again,), Presses(SERVER, "R"), ("depth=0 CN = mail.test",)),  # as IIS does
    ):
        full = f"renegotiation {what}, {name}"
        yield Scenario(
            name=full,
            suite=one,
            server=server,
            client_identity="rsa",
            visits=(Visit(talk=_around(full, press)),),
            shows=shows,
        )


def post_handshake_authentication(name: str, one: Suite) -> Iterator[Scenario]:
    full = f"post-handshake authentication, {name}"
    yield Scenario(
        name=full,
        suite=one,
        server=("-verify", "1"),
        client=("-enable_pha",),
        client_identity="rsa",
        visits=(Visit(talk=_around(full, Presses(SERVER, "c"))),),
    )


def plain_extensions(name: str, one: Suite) -> Iterator[Scenario]:
    yield Scenario(
        name=f"no extended master secret, {name}", suite=one, configuration="Options = -ExtendedMasterSecret"
    )


# ---------------------------------------------------------------- records


def fragments(name: str, one: Suite) -> Iterator[Scenario]:
    small = ("-max_send_frag", "512")  # the certificate does not fit into one record then
    yield Scenario(name=f"small fragments, {name}", suite=one, server=small, client=small)
    yield Scenario(name=f"maximum fragment length, {name}", suite=one, client=("-maxfraglen", "1024"))


def padding(name: str, one: Suite) -> Iterator[Scenario]:
    padded = ("-record_padding", "512")
    yield Scenario(name=f"record padding, {name}", suite=one, server=padded, client=padded)
    bare = ("-no_middlebox",)
    yield Scenario(name=f"no middlebox compatibility, {name}", suite=one, server=bare, client=bare)


def block_padding(name: str, one: Suite) -> Iterator[Scenario]:
    """A record of every length modulo any block size. No HTTP."""
    full = f"every length, {name}"
    talk = tuple(Says(number % 2, digits(f"{full} {number}", 8 + number // 2)) for number in range(2 * 33))
    yield Scenario(name=full, suite=one, visits=(Visit(talk=talk),))


def mac_then_encrypt(name: str, one: Suite) -> Iterator[Scenario]:
    old = ("-no_etm",)
    yield Scenario(name=f"mac then encrypt, {name}", suite=one, server=old, client=old)
    full = f"mac then encrypt and renegotiation, {name}"
    yield Scenario(
        name=full, suite=one, server=old, client=old, visits=(Visit(talk=_around(full, Presses(SERVER, "r"))),)
    )
    full = f"mac then encrypt and every length, {name}"
    yield Scenario(name=full, suite=one, server=old, client=old, visits=next(block_padding(full, one)).visits)


def large(name: str, one: Suite) -> Iterator[Scenario]:
    full = f"large, {name}"
    yield Scenario(name=full, suite=one, visits=(Visit(talk=exchange(full, 150_000, 400_000)),))


# ---------------------------------------------------------------- bare suites


def every_suite() -> list[Scenario]:
    """All that can be negotiated, in every version; block ciphers also without encrypt-then-MAC."""
    scenarios = []
    for version in ("tls1_3", "tls1_2", "tls1_1", "tls1", "ssl3"):
        plain_mac = set()
        for one in suites(version):
            scenarios.append(Scenario(name=str(one), suite=one))
            if one.is_cbc and (one.cipher, one.mac) not in plain_mac:
                plain_mac.add((one.cipher, one.mac))
                old = ("-no_etm",)
                scenarios.append(Scenario(name=f"{one} mac-then-encrypt", suite=one, server=old, client=old))
    return scenarios


def one_of_each_kind() -> set[str]:
    """The names of a few of them: each cipher in each version, and each key exchange."""
    names: set[str] = set()
    known = set()
    for scenario in every_suite():
        one = scenario.suite
        for kind in ((one.version, one.cipher, bool(scenario.server)), (one.exchange, one.authentication)):
            if kind not in known:
                known.add(kind)
                names.add(scenario.name)
    return names
