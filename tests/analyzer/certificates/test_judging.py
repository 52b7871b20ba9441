"""What is wrong with a chain depends on when it was shown, and for which name."""

import pytest

from analyzer.certificates.chain import build
from analyzer.certificates.judging import CLOCK_IS_REAL_NS, problems
from tests.analyzer.certificates.authority import LATER, NOW_NS, START, Issued, root, roots

DAY_NS = 86_400 * 10**9
PUBLIC = root("Public Root")
MIDDLE = PUBLIC.below("Middle")
START_NS, LATER_NS = (int(one.timestamp()) * 10**9 for one in (START, LATER))


def kinds(leaf: Issued, host: str | None = "mail.test", first_ns: int = NOW_NS, last_ns: int = 0) -> list[str]:
    built = build([leaf.known, MIDDLE.known], roots(PUBLIC), first_ns)
    return [problem.kind for problem in problems(built, 2, host, first_ns, last_ns or first_ns)]


LEAF = MIDDLE.server("mail.test")


@pytest.mark.parametrize(
    ("first_ns", "last_ns", "wrong"),
    [
        (START_NS, LATER_NS, []),  # both ends belong to it (RFC 5280 4.1.2.5)
        (START_NS - 10**9, NOW_NS, ["not_yet_valid"]),
        (NOW_NS, LATER_NS + 10**9, ["expired"]),  # in the middle of the capture
        (START_NS - DAY_NS, LATER_NS + DAY_NS, ["expired", "not_yet_valid"]),
    ],
)
def test_validity_is_judged_at_the_time_of_the_capture(first_ns: int, last_ns: int, wrong: list[str]) -> None:
    # All three certificates of the chain have the same span; each is told.
    assert sorted(set(kinds(LEAF, first_ns=first_ns, last_ns=last_ns))) == wrong


@pytest.mark.parametrize("first_ns", [0, 1, CLOCK_IS_REAL_NS - 1])
def test_a_capture_without_a_clock_says_nothing_of_validity(first_ns: int) -> None:
    assert kinds(LEAF, first_ns=first_ns) == []


@pytest.mark.parametrize(
    ("names", "host", "wrong"),
    [
        (("mail.test",), "mail.test", []),
        (("mail.test",), None, []),  # nothing was asked for
        (("mail.test",), "MAIL.TEST", []),
        (("mail.test",), "mail.example", ["name_mismatch"]),
        (("*.corp.test",), "mail.corp.test", ["wildcard"]),
        (("*.corp.test", "mail.corp.test"), "mail.corp.test", []),
        (("*.corp.test",), None, ["wildcard"]),
        (("*.corp.test", "corp.test"), None, []),
        (("*.corp.test",), "a.b.corp.test", ["name_mismatch"]),
        ((), "mail.test", ["common_name_only"]),
        ((), "web.test", ["name_mismatch"]),
    ],
)
def test_names_are_judged_by_what_was_asked_for(names: tuple[str, ...], host: str | None, wrong: list[str]) -> None:
    assert kinds(MIDDLE.server("mail.test", names), host) == wrong


def test_the_sentence_names_the_certificate_and_the_day() -> None:
    gone = MIDDLE.server("mail.test", end=START.replace(month=3))
    built = build([gone.known, MIDDLE.known], roots(PUBLIC), NOW_NS)
    (problem,) = problems(built, 2, "mail.test", NOW_NS, NOW_NS)
    assert problem == ("expired", '"mail.test" was valid until 2024-03-01 00:00 UTC', "proven")
