"""The walk without a tree: elements passed over as a whole give the same spans as the tree does."""

from hypothesis import example, given
from hypothesis import strategies as st

from dissectors.eas import codepages, walk
from dissectors.eas.wbxml import Element, decode
from dissectors.eas.wbxml_encode import encode

ADD = codepages.key("AirSync:Add")

# Trees in which Add stands at any level, with strings, opaque data and page changes inside.
_keys = st.sampled_from(
    [ADD, codepages.key("AirSync:Sync"), codepages.key("Email:To"), codepages.key("AirSyncBase:Body")]
)
_texts = st.none() | st.sampled_from(["", "x", "\x01", "EE\x05\xe9", "a\nb", "long" * 30])


def _branch(children: st.SearchStrategy[list[Element]]) -> st.SearchStrategy[Element]:
    return st.builds(
        lambda key, text, opaque, below: Element(key >> 8, key & 0xFF, children=below, text=text, opaque=opaque),
        _keys,
        _texts,
        st.none() | st.binary(max_size=4),
        children,
    )


trees = st.recursive(_branch(st.builds(list)), lambda below: _branch(st.lists(below, max_size=5)), max_leaves=40)


def _outside(root: Element, whole: int) -> list[tuple[int, int, int]]:
    """(key, start, end) of all elements that are not inside of a `whole` one, in the order of their ends."""
    found = []
    pending = [root]
    while pending:
        element = pending.pop()
        key = element.page << 8 | element.token
        found.append((key, element.start, element.end))
        if key != whole:
            pending += element.children
    return sorted(found, key=lambda span: (span[2], -span[1]))


@given(trees)
def test_passing_over_elements_gives_the_spans_of_the_tree(tree: Element) -> None:
    body = encode(tree)
    events = walk.Walk(body, whole={ADD})
    ended = [(key, start, end) for kind, _, key, _, _, start, end in events if kind != walk.OPEN]
    root = decode(body).root
    assert root is not None
    assert sorted(ended, key=lambda span: (span[2], -span[1])) == _outside(root, ADD)
    assert events.complete
    assert events.oddities == ()


@given(trees, st.data())
def test_a_body_that_ends_inside_of_what_is_passed_over_is_not_complete(tree: Element, data: st.DataObject) -> None:
    body = encode(tree)
    events = walk.Walk(body[: data.draw(st.integers(4, len(body) - 1))], whole={ADD})
    assert all(end <= len(events.body) for _, _, _, _, _, _, end in events)
    assert not events.complete
    assert [odd.code for odd in events.oddities] == ["wbxml_truncated"]


@given(trees)
def test_limits_do_not_change_the_spans_of_what_is_seen(tree: Element) -> None:
    body = encode(tree)
    spans = {(key, start): end for kind, _, key, _, _, start, end in walk.Walk(body) if kind != walk.OPEN}
    for max_depth, max_elements in ((1, 100), (2, 100), (64, 1), (64, 3)):
        events = walk.Walk(body, max_depth=max_depth, max_elements=max_elements)
        ended = [(key, start, end) for kind, _, key, _, _, start, end in events if kind != walk.OPEN]
        assert ended
        assert all(spans[key, start] == end for key, start, end in ended)
        assert events.complete


@given(st.binary(max_size=200))
@example(b"\x02\x80\x80\x80\x80\x80")  # an entity whose number is longer than 32 bits
def test_passing_over_any_bytes_ends_where_the_tree_does(inside: bytes) -> None:
    body = b"\x03\x01\x6a\x04abc\x00\x47" + inside + b"\x01" * 3
    root = decode(body).root
    assert root is not None
    ((_, depth, key, _, _, start, end),) = [event for event in walk.Walk(body, whole={ADD}) if event[0] != walk.OPEN]
    assert (depth, key, start, end) == (1, ADD, root.start, root.end)


def test_a_page_switch_inside_of_what_is_passed_over_holds_after_it() -> None:
    # Sync { Add { ServerId, page 2, To } } still on page 2: the next tag 0x0F is Email:DateReceived
    body = b"\x03\x01\x6a\x00\x45\x47\x4d\x031\x00\x01\x00\x02\x56\x03a\x00\x01\x01\x0f\x01"
    keys = [event[2] for event in walk.Walk(body, whole={ADD}) if event[0] == walk.LEAF]
    assert keys == [ADD, codepages.key("Email:DateReceived")]


def test_a_cut_inside_of_what_is_passed_over_sizes_what_is_there() -> None:
    body = b"\x03\x01\x6a\x00\x45\x47\x4d\x031\x00\x01\x5d\x4b\x03abc"
    events = walk.Walk(body, whole={ADD})
    ended = [(key, start, end) for kind, _, key, _, _, start, end in events if kind != walk.OPEN]
    assert ended == [(ADD, 5, len(body)), (codepages.key("AirSync:Sync"), 4, len(body))]
    assert not events.complete
