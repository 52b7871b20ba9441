"""`--pseudonymize` leaves no name of a person or device anywhere, and rows can still be joined."""

import io
import re
import time
from collections.abc import Mapping

import pandas as pd
import pytest

from analyzer import analyze
from analyzer.findings import to_frame
from analyzer.reports import json_report
from analyzer.reports.page import render_page
from analyzer.reports.terminal import to_text
from analyzer.tables.pseudonyms import pseudonymized
from analyzer.view import View
from tests.support.made import silent_firewall
from tests.support.places import SAMPLES

PERSONAL = ("anna", "DEVICE0001", "192.168.10.20", "Letters to Ben")


def test_no_personal_value_is_left_in_any_table_or_finding() -> None:
    made = silent_firewall()
    made.add("sync_sizes", transaction_id=1, session_id=1, collection_id="5", folder_name="Letters to Ben")
    made.add("anomalies", code="odd", detail="Letters to Ben were odd")
    for row in made.rows["connections"]:
        row["display_filter"] = "ip.addr==192.168.10.20 && tcp.port==443"
    for row in made.rows["teardowns"]:
        row["evidence"] = [{"kind": "k", "detail": "192.168.10.20 said nothing", "frames": [1]}]
    for row in made.rows["heartbeats"]:
        row["device_id"] = "DEVICE0001"
    tables = made.tables()
    before = io.StringIO()
    json_report.write(tables, before)
    assert all(value in before.getvalue() for value in PERSONAL)

    tables = pseudonymized(tables)
    tables["findings"] = to_frame(tables)
    after = io.StringIO()
    json_report.write(tables, after)
    assert [value for value in PERSONAL if value in after.getvalue()] == []


def test_same_value_has_the_same_token_in_every_table() -> None:
    made = silent_firewall()
    for row in made.rows["heartbeats"]:
        row["device_id"] = "DEVICE0001"
    tables = pseudonymized(made.tables())
    assert set(tables["heartbeats"]["device_id"]) == set(tables["sessions"]["device_id"]) == {"device-1"}
    assert list(tables["sessions"]["user"]) == ["user-1"]


def test_a_name_inside_another_word_stays() -> None:
    made = silent_firewall()
    made.add("anomalies", code="odd", detail="bananna of anna")
    assert list(pseudonymized(made.tables())["anomalies"]["detail"]) == ["bananna of user-1"]


def test_the_given_tables_are_not_changed() -> None:
    tables = silent_firewall().tables()
    pseudonymized(tables)
    assert list(tables["sessions"]["user"]) == ["anna"]


def test_paths_ids_of_folders_and_what_devices_call_themselves_name_nobody() -> None:
    made = silent_firewall()
    folder = "mail%2FLetters%20to%20Ben"
    made.add("sync_sizes", transaction_id=1, session_id=1, collection_id=folder)
    for row in made.rows["heartbeats"]:
        row["monitored_folders"] = [folder, "5"]
    for row in made.rows["sessions"]:
        row["user_agent"] = "iPhone of anna"
    made.add("transactions", transaction_id=90, path="/exchange/anna%2Esmith/Letters%20to%20Ben")
    made.add("transactions", transaction_id=91, path="/Microsoft-Server-ActiveSync")
    tables = pseudonymized(made.tables())
    assert list(tables["sync_sizes"]["collection_id"])[-1:] == ["collection-1"]
    assert {tuple(ids) for ids in tables["heartbeats"]["monitored_folders"]} == {("collection-1", "collection-2")}
    assert set(tables["sessions"]["user_agent"]) == {"iPhone of user-1"}
    assert list(tables["transactions"]["path"])[-2:] == ["/exchange/path-1", "/Microsoft-Server-ActiveSync"]


def test_many_values_take_no_more_time_each() -> None:
    def seconds(count: int) -> float:
        made = silent_firewall()
        for number in range(count):
            made.session(user=f"user{number}", device_id=f"DEVICE{number}")
            made.add("anomalies", code="odd", detail=f"user{number} and DEVICE{number}")
        tables = made.tables()
        begin = time.process_time()
        pseudonymized(tables)
        return time.process_time() - begin

    few, many = (min(seconds(count) for _ in range(2)) for count in (500, 4000))
    assert many < 24 * few + 0.1  # eight times as many; squared would be 64 times


def test_hosts_are_the_same_token_wherever_they_are_named_and_keep_their_port() -> None:
    made = silent_firewall()
    for row in made.rows["sessions"]:
        row["server"] = "mail.contoso.com:8443"
    for row in made.rows["heartbeats"]:
        row["server"] = "mail.contoso.com:8443"
    for row in made.rows["connections"]:
        row["sni"] = "Mail.Contoso.com"
    made.add("transactions", transaction_id=90, host="mail.contoso.com")
    made.add("transactions", transaction_id=91, host="203.0.113.10:443")
    made.add("transactions", transaction_id=92, host="[2001:db8::1]:443")
    made.add("anomalies", code="odd", detail="mail.contoso.com and its owa.contoso.com, in heartbeats.held_s")
    made.add("subscriptions", call_back="httpu://fe1.contoso.com:2883/42")
    lists = ("tls_versions", "client_alerts", "server_alerts", "client_refusals", "frames", "client_refusal_frames")
    counts = ("connections", "refusals", "abandoned", "client_certificates")
    seen = {name: [] for name in lists} | dict.fromkeys(counts, 0) | {"server_ip": "203.0.113.10", "server_port": 443}
    made.add(
        "certificates",
        server_name="mail.contoso.com",
        subject=r"CN=mail.contoso.com,O=Contoso\, Inc.,C=US",
        names=["mail.contoso.com", "*.contoso.com"],
        issuer="CN=Contoso Issuing CA,DC=contoso,DC=com",
        root="Contoso Root",
        fingerprint="ab" * 32,
        issuer_url="http://pki.contoso.com/ca.crt",
        chain="unknown_root",
        problems=[{"kind": "unknown_root", "detail": 'the chain leads to "Contoso Root"', "grade": "proven"}],
        **seen,
    )
    made.add("certificates", root="ISRG Root X1", chain="complete", names=[], problems=[], **seen)
    tables = pseudonymized(made.tables())
    assert set(tables["sessions"]["server"]) == set(tables["heartbeats"]["server"]) == {"host-1:8443"}
    assert set(tables["connections"]["sni"]) == {"host-1"}
    assert list(tables["transactions"]["host"])[-3:] == ["host-1", "203.0.113.10:443", "[2001:db8::1]:443"]
    assert list(tables["subscriptions"]["call_back"]) == ["httpu://host-2:2883/42"]
    shown = tables["certificates"].iloc[0]
    assert (shown["server_name"], shown["subject"]) == ("host-1", "CN=host-1,O=name-1,C=US")
    assert shown["names"] == ["host-1", "*.host-3"]
    assert shown["problems"][0]["detail"] == f'the chain leads to "{shown["root"]}"'
    assert tables["certificates"]["root"].iloc[1] == "ISRG Root X1"  # everybody's
    assert list(tables["anomalies"]["detail"]) == ["host-1 and its host-5, in heartbeats.held_s"]
    out = io.StringIO()
    tables["findings"] = to_frame(tables)
    json_report.write(tables, out)
    assert "contoso" not in out.getvalue().lower()
    assert "abab" not in out.getvalue()


SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 15_1 like Mac OS X)"


@pytest.mark.parametrize(
    ("agent", "left"),
    [
        ("Apple-iPhone14C5/2007.70", "Apple-iPhone14C5/2007.70"),
        ("MSFT-PPC/5.1.2301", "MSFT-PPC/5.1.2301"),
        ("Outlook-iOS-Android/1.0", "Outlook-iOS-Android/1.0"),
        ("Android-SAMSUNG-SM-G900V/101.500", "Android-SAMSUNG-SM-G900V/101.500"),
        (SAFARI, SAFARI),
        ("Annas-iPhone/1.0", "word-1-iPhone/1.0"),
        ("Apple-iPhone5Anna/1.0", "Apple-word-1/1.0"),
        ("Android/491711234567", "Android/word-1"),  # a telephone number
        ("Apple-iPhone/35209900176148", "Apple-iPhone/word-1"),  # an IMEI without its check digit
        ("Android/356938035643809", "Android/word-1"),
    ],
)  # fmt: skip
def test_what_devices_call_themselves_keeps_products_and_versions_only(agent: str, left: str) -> None:
    made = silent_firewall()
    for row in made.rows["sessions"]:
        row["user_agent"] = agent
    assert set(pseudonymized(made.tables())["sessions"]["user_agent"]) == {left}


def test_a_short_number_that_is_somebodys_id_stays_in_texts() -> None:
    made = silent_firewall()
    made.add("sync_sizes", transaction_id=1, session_id=1, collection_id="5")
    made.add("anomalies", code="odd", detail="5 records, protocol 2.5, from 10.0.0.5")
    assert list(pseudonymized(made.tables())["anomalies"]["detail"]) == ["5 records, protocol 2.5, from 10.0.0.5"]


def test_an_address_that_is_a_clients_has_its_token_as_a_servers_too() -> None:
    made = silent_firewall()
    made.add("notifications", source_ip="10.0.0.5", destination_ip="192.168.10.20")
    row = pseudonymized(made.tables())["notifications"].iloc[-1]
    assert (row["source_ip"], row["destination_ip"]) == ("10.0.0.5", "client-1")


def test_hostile_names_take_linear_time() -> None:
    made = silent_firewall()
    texts = ["a." * 50_000, "a-" * 50_000, '"' * 50_000, "." * 50_000, "a.b.c1." * 20_000, ":1" * 50_000]
    for number, text in enumerate(texts, 90):
        made.add("transactions", transaction_id=number, host=text, path=f"/{text}/{text}")
        made.add("anomalies", code="odd", detail=text[:-2])
        made.add("certificates", subject=text, root=text, chain="self_signed")
    begin = time.process_time()
    pseudonymized(made.tables(judged=False))
    assert time.process_time() - begin < 20


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.pcap*")))
def test_no_sample_tells_a_name_in_json_summary_or_page(name: str) -> None:
    keys = (SAMPLES / name).with_suffix(".keys")
    analysis = analyze(SAMPLES / name, keys if keys.exists() else ())
    view = View(analysis)
    hidden = named(view.tables)
    assert hidden
    cut = view.cut([], pseudonymize=True)
    out = io.StringIO()
    json_report.write(cut.tables, out)
    told = {
        "json": out.getvalue(),
        "summary": to_text(cut.verdict, cut.tables, 400),
        "page": own_words(render_page(cut.tables, cut.verdict, title=cut.title)),
    }
    for where, text in told.items():
        words = {value for value in hidden if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)}
        assert words == set(), where


def own_words(page: str) -> str:
    """Without the library that draws, which has words of its own, and without styles."""
    scripts = re.findall(r"(?s)<script.*?</script>", page)
    return re.sub(r"(?s)<style.*?</style>", "", page.replace(max(scripts, key=len), ""))


def named(tables: Mapping[str, pd.DataFrame]) -> set[str]:
    """Users, devices, hosts and folders of a result."""
    found: set[str] = set()
    for table, names in {
        "sessions": ("user", "device_id", "server"),
        "authentications": ("user",),
        "directory_searches": ("user",),
        "transactions": ("host",),
        "connections": ("sni", "client_ip"),
        "certificates": ("server_name", "fingerprint"),
        "sms_triggers": ("recipient", "carrier_domain"),
        "sync_sizes": ("folder_name",),
        "subscriptions": ("folder", "mailbox", "call_back"),
    }.items():
        for column in names:
            found |= {str(value) for value in tables[table][column].dropna().unique()}
    return {
        value
        for value in found
        if not re.fullmatch(r"[\d.:]+", value) or value in set(tables["connections"]["client_ip"])
    }
