"""The page in a browser without network: it draws, says nothing on its console, and does what its marks promise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analyzer import analyze
from analyzer.reports.page import render_page
from tests.analyzer.reports import chromium, stories
from tests.analyzer.reports.test_page import EVIL

pytestmark = pytest.mark.browser

BARS = "#lanes .bars .point path"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Page]:
    with chromium.page(tmp_path_factory.mktemp("profile")) as page:
        page.size(1400, 1000)
        yield page


def show(tab: chromium.Page, path: Path, story: stories.Story) -> None:
    assert story.verdict is not None
    file = path / "page.html"
    file.write_text(render_page(story.tables(), story.verdict, title="office.pcapng"), "utf-8")
    tab.console.clear()
    tab.requests.clear()
    tab.open(file)


@pytest.fixture
def office(tab: chromium.Page, tmp_path: Path) -> chromium.Page:
    show(tab, tmp_path, stories.office())
    return tab


def ranges(tab: chromium.Page) -> list[list[Any]]:
    script = "['lanes', 'asked', 'syncs'].map((id) => document.getElementById(id).layout.xaxis.range)"
    return [list(map(str, pair)) for pair in tab.evaluate(script)]


def middle(tab: chromium.Page, selector: str, place: int = 0) -> tuple[float, float]:
    """Where an element is on the screen, once it has been scrolled to; the widest of those that fit has place 0."""
    script = f"""(() => {{
        const width = (element) => element.getBoundingClientRect().width;
        const element = [...document.querySelectorAll({selector!r})].sort((a, b) => width(b) - width(a))[{place}];
        element.scrollIntoView({{block: 'center'}});
        const box = element.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
    }})()"""
    x, y = tab.evaluate(script)
    return float(x), float(y)


def test_it_draws_a_bar_for_each_wait_without_network_or_complaint(office: chromium.Page) -> None:
    assert office.evaluate("document.querySelector('h1').innerText").endswith("Push is being cut on the way.")
    assert office.evaluate(f"document.querySelectorAll('{BARS}').length") == len(stories.office().rows["heartbeats"])
    assert office.console == []
    assert [url for url in office.requests if not url.startswith("file:")] == []


@pytest.mark.parametrize("name", ["nothing", "single", "encrypted"])
def test_pages_with_little_to_show_draw_without_complaint(tab: chromium.Page, tmp_path: Path, name: str) -> None:
    story = getattr(stories, name)()

    show(tab, tmp_path, story)

    assert tab.evaluate(f"document.querySelectorAll('{BARS}').length") == len(story.rows["heartbeats"])
    assert tab.console == []


def test_hostile_names_do_nothing_but_stand_there(tab: chromium.Page, tmp_path: Path) -> None:
    show(tab, tmp_path, stories.office(EVIL, EVIL))
    for place in range(0, 60, 7):
        tab.click(*middle(tab, BARS, place))

    assert tab.console == []
    assert tab.evaluate("document.querySelectorAll('img, a[href], iframe').length") == 0
    assert EVIL[0] in tab.evaluate("document.querySelector('.tables').textContent")


def test_the_policy_refuses_what_is_not_of_the_page(office: chromium.Page) -> None:
    office.evaluate("""(() => {
        const script = document.createElement('script');
        script.textContent = 'window.intruder = true';
        document.body.append(script);
        const image = document.createElement('img');
        image.src = 'https://example.com/x.png';
        document.body.append(image);
    })()""")

    assert office.evaluate("window.intruder === undefined")
    assert sum("Content Security Policy" in line for line in office.console) == 2
    assert office.refused == ["csp"]


def test_pointing_at_a_bar_says_when_how_long_and_which_frames(office: chromium.Page) -> None:
    x, y = middle(office, BARS, 0)
    office.move(x - 30, y - 80)

    office.move(x, y)
    office.wait("document.getElementById('tip').innerText.startsWith('Wait ')")

    tip = office.evaluate("document.getElementById('tip').innerText")
    for words in ("Started: 2026-11-21 ", " UTC", "Asked for: 900 s", "Held: ", "Frames: ", "frame.number >= "):
        assert words in tip


def test_choosing_a_bar_shows_its_filter_and_escape_closes_it(office: chromium.Page) -> None:
    office.click(*middle(office, BARS, 0))
    office.wait("!document.getElementById('panel').hidden")

    assert office.evaluate("document.getElementById('panel-title').innerText").startswith("Wait ")
    assert "tcp.port==" in office.evaluate("document.getElementById('panel-filter').innerText")
    office.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))")
    assert office.evaluate("document.getElementById('panel').hidden")


def test_a_row_of_the_table_of_deaths_shows_its_wait_in_all_time_charts(office: chromium.Page) -> None:
    before = ranges(office)

    office.evaluate("document.querySelectorAll('[data-wait]')[3].click()")
    office.wait(f"String(document.getElementById('syncs').layout.xaxis.range) !== {','.join(before[2])!r}")

    after = ranges(office)
    assert after[0] == after[1] == after[2] != before[0]
    assert office.evaluate("document.getElementById('panel-title').innerText") == "Wait died"


def test_zooming_one_time_chart_zooms_the_others_and_reset_brings_all_back(office: chromium.Page) -> None:
    before = ranges(office)
    low = int(stories.NOON // 1_000_000) + 3_600_000

    office.evaluate(f"void Plotly.relayout('asked', {{'xaxis.range[0]': {low}, 'xaxis.range[1]': {low + 600_000}}})")
    office.wait(f"Number(document.getElementById('syncs').layout.xaxis.range[0]) === {low}")

    assert [pair[0] for pair in ranges(office)] == [str(low)] * 3
    office.evaluate("document.getElementById('reset').click()")
    office.wait(f"String(document.getElementById('syncs').layout.xaxis.range) === {','.join(before[2])!r}")
    assert ranges(office) == before


def test_a_switch_of_the_legend_hides_an_outcome_everywhere(office: chromium.Page) -> None:
    office.evaluate("document.querySelector('[data-key=died]').click()")

    shown = office.evaluate("""['lanes', 'asked', 'idle'].map((id) => document.getElementById(id).data
        .filter((trace) => (trace.meta || {}).outcome === 'died').map((trace) => trace.visible)).flat()""")
    assert shown
    assert set(shown) == {False}
    assert office.evaluate("document.querySelector('[data-key=died]').getAttribute('aria-pressed')") == "false"


def test_one_device_can_be_chosen_where_lines_would_tangle(office: chromium.Page) -> None:
    picker = "document.getElementById('device')"
    office.evaluate(f"{picker}.value = '2'; {picker}.dispatchEvent(new Event('change'))")
    office.wait("document.getElementById('asked').data.filter((t) => t.visible !== false).length < 7")

    shown = "document.getElementById('asked').data.filter((trace) => trace.meta.table).map((trace) => trace.x.length)"
    waits = [row for row in stories.office().rows["heartbeats"] if row["session_id"] == 2]
    assert sum(office.evaluate(shown)) == len(waits)
    assert office.evaluate("document.getElementById('asked').layout.xaxis.type") == "date"


def test_the_theme_follows_the_system_and_the_button(office: chromium.Page) -> None:
    ink = "document.getElementById('lanes').layout.font.color"
    light = office.evaluate(ink)

    office.scheme("dark")
    office.wait(f"{ink} !== {light!r}")
    dark = office.evaluate(ink)
    office.evaluate("document.getElementById('theme').click()")
    office.wait(f"{ink} === {light!r}")
    office.scheme("light")

    assert dark == "#e6eaf0"
    assert office.console == []


@pytest.mark.parametrize("width", [400, 760, 1400])
def test_no_width_makes_the_page_scroll_sideways_or_cards_overlap(office: chromium.Page, width: int) -> None:
    office.size(width, 900)
    office.wait(f"document.getElementById('lanes').layout.width <= {width}")
    boxes = office.evaluate("""[...document.querySelectorAll('.card')].map((card) => {
        const box = card.getBoundingClientRect();
        return [box.left, box.top, box.right, box.bottom, card.scrollWidth - card.clientWidth];
    })""")
    wide = office.evaluate("document.documentElement.scrollWidth")
    office.size(1400, 1000)

    assert wide <= width
    assert all(box[4] <= 1 for box in boxes)
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            apart = other[1] >= one[3] or one[1] >= other[3] or other[0] >= one[2] or one[0] >= other[2]
            assert apart, (one, other)


def test_copying_a_filter_says_so(office: chromium.Page) -> None:
    office.evaluate("document.querySelector('.copy').click()")

    office.wait("document.querySelector('.copy').innerText === 'Copied'")
    office.wait("document.querySelector('.copy').innerText === 'Copy'")


@pytest.fixture
def blocked(tab: chromium.Page, tmp_path: Path) -> chromium.Page:
    """Three notifications that a firewall refused."""
    file = tmp_path / "page.html"
    file.write_text(analyze("samples/frontend_blocked.pcap").to_html("frontend_blocked.pcap"), "utf-8")
    tab.console.clear()
    tab.open(file)
    return tab


STEPS = "#deliveries .bars .point path"


def test_pointing_at_a_delivery_says_its_steps_and_choosing_it_gives_the_filter(blocked: chromium.Page) -> None:
    x, y = middle(blocked, STEPS, 0)
    blocked.move(x - 40, y - 60)

    blocked.move(x, y)
    blocked.wait("document.getElementById('tip').innerText.startsWith('Refused by 10.0.0.1')")
    tip = blocked.evaluate("document.getElementById('tip').innerText")
    blocked.click(x, y)
    blocked.wait("!document.getElementById('panel').hidden")

    for words in ("When: 2006-06-11 04:35:26.400 UTC", "Sync: 440 ms", "Altogether: 442.3 s", "From: 10.0.0.5"):
        assert words in tip
    assert "udp.port == 2883" in blocked.evaluate("document.getElementById('panel-filter').innerText")
    assert blocked.console == []


def test_a_delivery_can_be_shown_in_all_time_charts(blocked: chromium.Page) -> None:
    before = ranges(blocked)
    blocked.click(*middle(blocked, STEPS, 0))
    blocked.wait("!document.getElementById('panel').hidden")

    blocked.evaluate("document.getElementById('panel-zoom').click()")
    blocked.wait(f"String(document.getElementById('syncs').layout.xaxis.range) !== {','.join(before[2])!r}")

    after = ranges(blocked)
    assert after[0] == after[1] == after[2] != before[0]


@pytest.mark.parametrize("width", [400, 1400])
def test_deliveries_fit_on_every_screen_and_both_themes(blocked: chromium.Page, width: int) -> None:
    blocked.size(width, 900)
    blocked.wait(f"document.getElementById('deliveries').layout.width <= {width}")
    blocked.scheme("dark")
    blocked.wait("document.getElementById('deliveries').layout.font.color === '#e6eaf0'")
    wide = blocked.evaluate("document.documentElement.scrollWidth")
    drawn = blocked.evaluate(f"document.querySelectorAll('{STEPS}').length")
    blocked.scheme("light")
    blocked.size(1400, 1000)

    assert wide <= width
    assert drawn == 6  # refused, and the Sync, three times
    assert blocked.console == []


def test_a_delivery_with_hostile_names_does_nothing(tab: chromium.Page, tmp_path: Path) -> None:
    story = stories.office(EVIL, EVIL)
    ends = {"source_ip": EVIL[0], "destination_ip": EVIL[1], "refused_by": EVIL[2]}
    story.add("deliveries", delivery_id=1, session_id=1, time=stories.NOON, outcome="blocked", total_s=9.0, **ends)

    show(tab, tmp_path, story)
    tab.click(*middle(tab, STEPS, 0))

    assert tab.console == []
    assert tab.evaluate("document.querySelectorAll('img, a[href], iframe').length") == 0
    assert EVIL[0] in tab.evaluate("document.getElementById('panel-fields').textContent")
