"""The page's tables: devices, waits that died, certificates, folders. All text passes `page_html.text`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyzer.findings.words import framed, listed, of_all, size, span
from analyzer.reports.charts import details, look
from analyzer.reports.page_html import SENTENCE, text

if TYPE_CHECKING:
    import pandas as pd

    from analyzer.findings.verdict import DeviceRow, FolderRow, Verdict
    from analyzer.reports.charts.scene import Scene

MAX_DEATH_ROWS = 50
MAX_DEVICE_ROWS = 50
MAX_FOLDER_ROWS = 100
MAX_CERTIFICATE_ROWS = 30

_SIGNS = {"info": "Worth knowing", "warning": "Warning", "error": "Error"}


def facts(devices: Sequence[DeviceRow]) -> list[tuple[str, str]]:
    """Who killed how many waits of how many devices, and by what timer: label and value. Nothing where none died."""
    hit = [device for device in devices if device.died]
    if not hit:
        return []
    enders = dict.fromkeys(f"{device.ended_by}{f' ({device.grade})' if device.grade else ''}" for device in hit)
    known = dict.fromkeys(device.timer for device in hit if device.timer_ran_out)
    died, waits = sum(device.died for device in hit), sum(device.waits for device in devices)
    found = [
        ("died early", f"{of_all(died, waits, 'wait')}"),
        ("ended by", listed(enders)),
        ("idle timer", listed(known)),
        ("devices hit", f"{len(hit):,} of {len(devices):,}"),
    ]
    return [(label, value) for label, value in found if value]


def of_push(scene: Scene, drawn: pd.DataFrame, verdict: Verdict, findings: pd.DataFrame) -> str:
    """The devices of the verdict, each wait that died, what is wrong with certificates. `drawn`: see `details`."""
    return _together([_devices(verdict.devices), _deaths(scene, drawn), _certificates(findings)])


def of_folders(folders: Sequence[FolderRow]) -> str:
    """What each folder cost, in numbers."""
    if not folders:
        return ""
    several = len({folder.session_id for folder in folders}) > 1
    heads = ("folder", "#syncs", "#items", "#down (wire → decoded)", "#up", "#largest")
    rows = [
        (
            text(folder.folder) + _small(folder.device if several else ""),
            f"{folder.syncs:,}",
            f"{folder.items:,}" if folder.items is not None else "?",
            f"{_size(folder.down_wire_bytes)} → {_size(folder.down_bytes)}",
            _size(folder.up_bytes),
            _size(folder.largest_bytes) + (_small(f"frame {folder.largest_frame}") if folder.largest_frame else ""),
        )
        for folder in folders[:MAX_FOLDER_ROWS]
    ]
    return _together([_table("Folders", heads, rows, len(folders))])


def _devices(devices: Sequence[DeviceRow]) -> str:
    """The timer is that of the path, which all its devices share: the picture of idle times shows the same."""
    if not devices:
        return ""
    heads = ("device", "#push waits", "asked → lived", "#died", "ended by", "timer of its path")
    rows = []
    for device in devices[:MAX_DEVICE_ROWS]:
        rows.append(
            (
                text(device.device),
                f"{device.waits:,}",
                f"{_span(device.asked_s)} → {_span(device.lived_s)}",
                f"{device.died:,}",
                text(device.ended_by) + _small(device.grade),
                text(device.timer) + _small(device.timer_sure),
            )
        )
    return _table("Devices", heads, rows, len(devices))


def _deaths(scene: Scene, drawn: pd.DataFrame) -> str:
    """Each wait that was cut, with its frames and its filter; its time is a button that shows it in the timeline."""
    total = int((scene.all_waits["outcome"] == "died").sum())
    if not total:
        return ""
    died = drawn[drawn["outcome"] == "died"].head(MAX_DEATH_ROWS)
    names = ["start_ms", "device", "requested_s", "held_s", "how", "by", "frame", "last", "filter"]
    rows = []
    for wait, start, device, asked, held, how, by, frame, last, connection in died[names].itertuples():
        rows.append(
            (
                f'<button type="button" class="link" data-wait="{wait}">{details.utc(start)[:19]}</button>',
                text(device),
                f"{_span(asked)} → {_span(held)}",
                text(how if isinstance(how, str) else "unknown") + (f", by {text(by)}" if isinstance(by, str) else ""),
                details.frame_range(frame, last),
                _filter(details.wireshark_filter(connection, frame, last)),
            )
        )
    heads = ("start (UTC)", "device", "asked → held", "how", "#frames", "Wireshark filter")
    return _table("Waits that died", heads, rows, total)


def _certificates(findings: pd.DataFrame) -> str:
    """What the rules say of certificates and refused handshakes."""
    found = findings[findings["code"].astype(str).str.startswith("DP14")]
    if not len(found):
        return ""
    rows = []
    for finding in found.head(MAX_CERTIFICATE_ROWS).to_dict("records"):
        advice = finding["advice"]
        rows.append(
            (
                text(finding["title"], SENTENCE) + _small(f"{_SIGNS[finding['severity']]}, {finding['code']}"),
                text(finding["detail"], SENTENCE),
                text(advice, SENTENCE) if isinstance(advice, str) else "-",
                _found(finding["display_filter"], finding["frames"]),
            )
        )
    heads = ("what is wrong", "seen", "what to do", "Wireshark filter")
    return _table("Certificates", heads, rows, len(found), words=True)


def _found(display_filter: object, frames: object) -> str:
    """A filter with its button, and the frames."""
    which = _small(framed([int(frame) for frame in frames])) if isinstance(frames, list | tuple) and frames else ""
    return (_filter(display_filter) if isinstance(display_filter, str) else "") + which


def _filter(found: str) -> str:
    return (
        f'<code class="filter">{text(found, 400)}</code> '
        '<button type="button" class="copy" aria-label="Copy the filter">Copy</button>'
    )


def _together(parts: Sequence[str]) -> str:
    return f'<div class="tables wide">{"".join(parts)}</div>\n' if any(parts) else ""


def _table(
    heading: str, heads: Sequence[str], rows: Sequence[Sequence[str]], total: int, *, words: bool = False
) -> str:
    """A table; a heading that begins with # is of a column of numbers. Cells are HTML already; `words`: they wrap."""
    kinds = [' class="number"' if head.startswith("#") else "" for head in heads]
    head = "".join(
        f'<th scope="col"{kind}>{text(h.removeprefix("#"))}</th>' for h, kind in zip(heads, kinds, strict=True)
    )
    body = "".join(
        f"<tr>{''.join(f'<td{kind}>{cell}</td>' for cell, kind in zip(row, kinds, strict=True))}</tr>\n" for row in rows
    )
    more = ""
    if total > len(rows):
        command = "<code>directpush analyze CAPTURE --tables DIR</code>"
        more = f'<p class="caption">{len(rows):,} of {total:,} are listed. All of them: {command}</p>'
    kind = ' class="words"' if words else ""
    return (
        f'<section class="card"><h2>{heading}</h2>'
        f'<div class="scroll" tabindex="0" role="region" aria-label="{heading}"><table{kind}>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>{more}</section>\n"
    )


def _small(words: str) -> str:
    return f" <small>{text(words)}</small>" if words else ""


def _span(seconds: float | None) -> str:
    return span(seconds) if seconds is not None and look.known(seconds) else "?"


def _size(count: float | None) -> str:
    return size(count) if count is not None else "?"
