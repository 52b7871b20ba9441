"""Any bytes: datagrams and multistatus bodies, random and mutated, never raise, never take long, never fill memory."""

import random
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from dissectors.notify import Notification, Oddity, read_multistatus, read_notify
from dissectors.notify.httpu import MAX_HEAD_BYTES
from dissectors.notify.ids import MAX_ID_CHARS, MAX_IDS
from tests.dissectors.notify import test_httpu, test_multistatus

MANY = [pytest.param(2_000, id="quick"), pytest.param(100_000, id="full", marks=pytest.mark.slow)]
WORDS = (
    *(b"NOTIFY ", b"httpu://", b"Subscription-id: ", b"\r\n", b"\n", b" ", b",", b"*", b"\0", b"HTTP/1.1", b"\xff"),
    *(
        b"<",
        b"</",
        b">",
        b"<a:response>",
        b"</a:response>",
        b"&amp;",
        b"&x;",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"<li>9</li>",
    ),
    b"<!DOCTYPE a [<!ENTITY x 'yyyyyyyyyyyyyyyy'>]>",
)
SLOWEST_S = 0.2  # for one input of less than 8 KB; on a busy machine
GROWTH_BYTES = 8 << 20  # of all memory, once the caches are full


def mutated(seed: bytes, rng: random.Random) -> bytes:
    """A few changes: bytes, cuts, repeats, words put in; sometimes nothing but rubbish."""
    if rng.random() < 0.1:
        return rng.randbytes(rng.randrange(300))
    data = bytearray(seed)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(4)
        if kind == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + rng.randrange(20)]
        elif kind == 2:
            data[at:at] = data[at : at + rng.randrange(60)] * rng.randrange(1, 9)
        else:
            data[at:at] = rng.choice(WORDS) * rng.choice((1, 1, 1, 50))
    return bytes(data)


def inputs(seed: bytes, count: int) -> Iterator[bytes]:
    rng = random.Random(2883)
    for _ in range(count):
        yield mutated(seed, rng)


def survives(read: Callable[[bytes], object], check: Callable[[object], None], seed: bytes, count: int) -> None:
    for payload in inputs(seed, min(count, 10_000)):  # fills the caches
        read(payload)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        slowest = 0.0
        for payload in inputs(seed, count):
            began = time.thread_time()
            found = read(payload)
            slowest = max(slowest, time.thread_time() - began)
            check(found)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert slowest < SLOWEST_S
    assert grown < GROWTH_BYTES


def is_notify(found: object) -> None:
    assert found is None or isinstance(found, Oddity | Notification)
    if isinstance(found, Notification):
        assert len(found.subscription_ids) <= MAX_IDS
        assert all(0 < len(number) <= MAX_ID_CHARS for number in found.subscription_ids)
        assert found.method.upper() == "NOTIFY"


def is_multistatus(found: object) -> None:
    assert isinstance(found, tuple)
    parts, odd = found
    assert isinstance(parts, tuple)
    assert odd is None or isinstance(odd, Oddity)


@pytest.mark.parametrize("count", MANY)
def test_datagrams(count: int) -> None:
    survives(read_notify, is_notify, test_httpu.DOCUMENTED, count)


@pytest.mark.parametrize("count", MANY)
def test_cut_datagrams(count: int) -> None:
    survives(lambda payload: read_notify(payload, complete=False), is_notify, test_httpu.DOCUMENTED, count)


@pytest.mark.parametrize("count", MANY)
def test_multistatus_bodies(count: int) -> None:
    survives(read_multistatus, is_multistatus, test_multistatus.DOCUMENTED, count)


@pytest.mark.parametrize(
    "payload",
    [
        b"NOTIFY " + b"a" * 65_000,
        b"NOTIFY a HTTP/1.1\r\n" + b"\r" * 65_000,
        b"NOTIFY a HTTP/1.1\r\n" + b"A:\r\n" * 16_000,
        b"NOTIFY a HTTP/1.1\r\nA: b\r\n" + b" c\r\n" * 16_000,
        b"NOTIFY a HTTP/1.1\r\nSubscription-ID: " + b"1," * 32_000,
        b" " * 65_000,
        b"\r\n" * 32_000 + b"NOTIFY",
        b"NOTIFY" + b" " * 65_000 + b"x",
    ],
    ids=["long word", "line ends", "headers", "folds", "ids", "spaces", "empty lines", "gap"],
)
def test_largest_datagram_costs_no_more_than_its_first_bytes(payload: bytes) -> None:
    assert len(payload) > MAX_HEAD_BYTES
    began = time.thread_time()
    for _ in range(20):
        is_notify(read_notify(payload))
    assert (time.thread_time() - began) / 20 < SLOWEST_S / 10


@pytest.mark.parametrize(
    "body",
    [
        b"<multistatus>" + b"<a>" * 300_000,
        b"<multistatus " + b" ".join(b'a%d="b"' % n for n in range(40_000)) + b"/>",
        b"<multistatus>" + b"x" * 1_000_000,
        b"<multistatus><response><subscriptionID>" + b"1," * 400_000 + b"</subscriptionID></response></multistatus>",
        b"<multistatus>" + b"<!--" * 200_000,
        b"<multistatus xmlns='" + b"a" * 900_000 + b"'><response/></multistatus>",
    ],
    ids=["deep", "attributes", "text", "ids", "comments", "namespace"],
)
def test_body_of_a_megabyte_takes_no_time(body: bytes) -> None:
    began = time.thread_time()
    is_multistatus(read_multistatus(body))
    assert time.thread_time() - began < 1.0


def test_flood_of_datagrams_is_read_fast() -> None:
    """A flood repeats itself, or differs in the id alone: a few microseconds each."""
    flood = [test_httpu.DOCUMENTED.replace(b"17", b"%d" % (n % 90_000)) for n in range(20_000)]
    began = time.thread_time()
    for payload in flood:
        read_notify(payload)
    assert (time.thread_time() - began) / len(flood) < 20e-6
