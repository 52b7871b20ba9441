"""The page as text: its words, its locks, its size, and the figure for notebooks."""

import base64
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from analyzer import analyze
from analyzer.reports import page_tables
from analyzer.reports.charts import look
from analyzer.reports.page import render_page, timeline_figure
from tests.analyzer.reports import stories

EVIL = (
    "</script><img src=x onerror=alert(1)>",
    "<a href='javascript:alert(1)'>x</a><b>bold</b>",
    "x\u202eevil\n\x1b[31m\"' & &amp; %{y} <!--" + "A" * 300,
)


class Elements(HTMLParser):
    """Every element with its attributes, and the text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self._in = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._in = tag
            (self.scripts if tag == "script" else self.styles).append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._in:
            self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in:
            (self.scripts if self._in == "script" else self.styles)[-1] += data
        else:
            self.text += data


def page_of(story: stories.Story) -> str:
    assert story.verdict is not None
    return render_page(story.tables(), story.verdict, title="office.pcapng")


@pytest.fixture(scope="module")
def office() -> str:
    return page_of(stories.office())


@pytest.fixture(scope="module")
def evil() -> str:
    return page_of(stories.office(EVIL, tuple(name + "-folder" for name in EVIL)))


def test_the_words_of_the_verdict_are_all_on_the_page(office: str) -> None:
    verdict = stories.verdict()
    text = Elements(office).text

    for line in (verdict.headline, *verdict.reasons, *verdict.advice, *verdict.cost, *verdict.unseen, verdict.read):
        assert line in text


def test_nothing_is_loaded_from_anywhere(office: str) -> None:
    for tag, attributes in Elements(office).elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form", "img", "video", "audio"}
        assert not {"src", "href", "srcset", "style"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)


def test_the_policy_allows_what_is_in_the_page_by_hash_and_nothing_else(office: str) -> None:
    page = Elements(office)
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.split(" ", 1) for rule in str(policy).split("; "))

    def hashes(texts: list[str]) -> set[str]:
        return {f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for t in texts}

    code = [script for script in page.scripts if not script.startswith("{")]
    assert rules["default-src"] == "'none'"
    assert set(rules["script-src"].split()) == hashes(code)
    assert set(rules["style-src"].split()) == hashes(page.styles)
    assert set(rules) == {"default-src", "script-src", "style-src", "base-uri", "form-action"}


def test_hostile_names_make_no_element_anywhere(office: str, evil: str) -> None:
    tags = {tag for tag, _ in Elements(office).elements}

    assert {tag for tag, _ in Elements(evil).elements} == tags
    assert evil.count("<script") == office.count("<script")
    assert "</script><img" not in evil


def test_hostile_names_are_shown_as_they_are_but_for_what_moves_text(evil: str) -> None:
    text = Elements(evil).text

    assert EVIL[0] in text
    assert EVIL[1] in text
    assert "\u202e" not in unescape(evil)
    assert "\x1b" not in evil


def test_the_data_survive_hostile_names_and_hold_no_tag(evil: str) -> None:
    (island,) = (script for script in Elements(evil).scripts if script.startswith("{"))

    assert "<" not in island
    assert EVIL[0] in json.loads(island)["marks"]["waits"]["columns"]["device"]["values"]


def test_plotly_gets_no_markup_from_a_name(evil: str) -> None:
    (island,) = (script for script in Elements(evil).scripts if script.startswith("{"))
    figures = json.loads(island)["figures"]

    texts = [note["text"] for figure in figures.values() for note in figure["layout"].get("annotations", [])]
    texts += [trace.get("name", "") for figure in figures.values() for trace in figure["data"]]

    assert any("&lt;/script&gt;" in text for text in texts)
    assert not any(re.search(r"<(?!br>)", text) for text in texts)


def test_the_deaths_are_a_table_with_frames_and_filters(office: str) -> None:
    waits = re.findall(r'data-wait="\d+"', office)

    assert len(waits) == page_tables.MAX_DEATH_ROWS
    assert "50 of 65 are listed." in Elements(office).text
    assert "frame.number &gt;= " in office


def test_an_empty_capture_gives_a_page_that_says_so_and_has_no_chart() -> None:
    page = page_of(stories.nothing())

    text = Elements(page).text
    assert "No Direct Push traffic was found." in text
    assert "there is nothing to draw" in text
    assert 'class="plot"' not in page


@pytest.mark.parametrize("name", ["single", "encrypted", "office"])
def test_every_chart_has_its_place(name: str) -> None:
    page = Elements(page_of(getattr(stories, name)()))
    (island,) = (script for script in page.scripts if script.startswith("{"))

    places = {attributes["id"] for tag, attributes in page.elements if attributes.get("class") == "plot"}

    assert places == set(json.loads(island)["figures"])


def test_every_colour_in_a_figure_has_a_dark_twin(office: str) -> None:
    (island,) = (script for script in Elements(office).scripts if script.startswith("{"))

    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", json.dumps(json.loads(island)["figures"]))) <= set(look.DARK)


def contrast(one: str, other: str) -> float:
    """WCAG 2.1's ratio of two colours."""

    def luminance(color: str) -> float:
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("outcome", look.OUTCOMES, ids=lambda outcome: outcome.key)
def test_outcomes_stand_out_on_both_pages(outcome: look.Outcome) -> None:
    assert (
        contrast(outcome.light, look.PAPER) >= 2.9
    )  # WCAG asks for 3 of shapes; each bar has an outline and a pattern
    assert contrast(outcome.dark, look.DARK[look.PAPER]) >= 4.5


@pytest.mark.parametrize("kind", ["pattern", "symbol", "light", "dark", "word"])
def test_no_two_outcomes_look_the_same(kind: str) -> None:
    assert len({getattr(outcome, kind) for outcome in look.OUTCOMES}) == len(look.OUTCOMES)


def test_a_crowd_makes_a_page_of_bounded_size_that_says_what_it_leaves_out(office: str) -> None:
    page = page_of(stories.crowd(devices=300, waits=15_000))

    assert len(page) < len(office) + 2_000_000
    assert "40 devices have a lane" in page
    assert "--device ID" in page
    assert 'id="rest"' in page


def test_the_figure_for_notebooks_has_legend_and_escaped_hover_text() -> None:
    figure: Any = timeline_figure(stories.office(EVIL).tables())

    texts = [text for trace in figure.data if trace.hovertext is not None for text in trace.hovertext]
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert figure.layout.showlegend
    assert sum(len(bar.x) for bar in bars) == len(stories.office(EVIL).rows["heartbeats"])
    assert any("Device: &lt;/script&gt;" in text for text in texts)
    assert any("frame.number &gt;= " in text for text in texts)
    assert not any(re.search(r"<(?!br>)", text) for text in texts)


def test_the_figure_of_an_empty_capture_is_empty() -> None:
    figure: Any = timeline_figure(stories.nothing().tables())

    assert all(len(trace.x) == 0 for trace in figure.data)


def test_who_killed_how_much_by_what_timer_is_said_before_the_sentences(office: str) -> None:
    facts = re.search(r'<dl class="facts">(.*?)</dl>', office)

    assert facts is not None
    assert office.index(facts[0]) < office.index('<p class="reason">')
    assert Elements(facts[1]).text == (
        "died early65 of 305 waitsended bypath, silent (likely)idle timer290-301 sdevices hit2 of 3"
    )


def test_where_nothing_died_there_is_nobody_to_name() -> None:
    assert '<dl class="facts">' not in page_of(stories.single())


def test_what_is_wrong_with_certificates_is_a_table_with_filters() -> None:
    story = stories.office()
    story.add(
        "findings",
        code="DP143",
        severity="warning",
        title="The certificate has expired.",
        detail=EVIL[0],
        advice="Renew it.",
        frames=[3, 5],
        display_filter="tcp.port==443",
    )
    story.add("findings", code="DP131", severity="info", title="Devices connect anew.", detail="Often.")

    page = page_of(story)

    table = page[page.index("<h2>Certificates</h2>") :]
    table = table[: table.index("</section>")]
    assert "The certificate has expired. <small>Warning, DP143</small>" in table
    assert "&lt;/script&gt;" in table
    assert "Renew it." in table
    assert "<small>frames 3 and 5</small>" in table
    assert "Devices connect anew." not in page


def test_without_findings_about_certificates_there_is_no_such_table(office: str) -> None:
    assert "<h2>Certificates</h2>" not in office


def test_what_cost_push_comes_before_what_folders_cost(office: str) -> None:
    places = [office.index(f"<h2>{name}</h2>") for name in ("Devices", "Waits that died", "Folders")]

    assert places == sorted(places)
    assert office.index('id="asked"') < places[0]
    assert places[1] < office.index('id="folders"') < places[2]


@pytest.mark.parametrize("name", ["frontend_blocked", "frontend_healthy"])
def test_deliveries_that_the_verdict_speaks_of_come_first_among_the_pictures(name: str) -> None:
    page = analyze(f"samples/{name}.pcap").to_html()

    assert page.index('id="lanes"') < page.index('id="deliveries"') < page.index('id="idle"')
    assert "How long did a notification take?" in page


def test_deliveries_without_any_wait_are_still_drawn() -> None:
    story = stories.nothing()
    ends = {"source_ip": "10.0.0.5", "destination_ip": "10.0.0.4", "destination_port": 2883}
    story.add("deliveries", delivery_id=1, time=stories.NOON, outcome="blocked", notification_frame=4, **ends)

    page = page_of(story)

    assert 'id="deliveries"' in page
    assert "there is nothing to draw" not in page


def test_intervals_that_are_not_known_are_counted_beside_the_picture() -> None:
    page = analyze("samples/silent_firewall.pcap").to_html()

    assert "No line: 4 waits whose interval is not known." in page


def test_what_was_lost_does_not_look_as_if_it_had_been_quick() -> None:
    page = analyze("samples/frontend_lost.pcap").to_html()

    assert "counted from the POLL that brought it to light; how long before is not known." in page
    assert "counted from the POLL" not in analyze("samples/frontend_blocked.pcap").to_html()


def test_who_cannot_see_the_picture_of_deliveries_hears_each_of_them() -> None:
    page = analyze("samples/frontend_blocked.pcap").to_html()

    place = next(a for _, a in Elements(page).elements if a.get("id") == "deliveries")
    assert str(place["aria-label"]).count("refused by 10.0.0.1; took") == 3


@pytest.mark.parametrize(
    ("sample", "heading"),
    [("authentication", "When did devices synchronise?"), ("frontend_healthy", "When did devices wait?")],
)
def test_the_first_picture_asks_of_deaths_only_where_there_are_some(sample: str, heading: str, office: str) -> None:
    assert f">{heading}</h2>" in analyze(f"samples/{sample}.pcap").to_html()
    assert ">When did waits live and die?</h2>" in office
