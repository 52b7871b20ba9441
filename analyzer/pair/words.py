"""The end of one connection in words: a few for a table, a sentence with frames for who wants to look."""

from __future__ import annotations

from analyzer.findings.words import counted, framed, span
from analyzer.pair.pairing import Pair
from analyzer.pair.signs import Close, Drop
from dissectors.events import SERVER

NS = 1e9
POINTS = {"device": "the device's capture", "server": "the server's capture"}
OTHERS = {"device": "the server", "server": "the device"}
SIDES = ("device", "server")


def short(pair: Pair) -> str:
    """Who ended it and how: for a table."""
    ending = pair.ending
    if ending.by in ("between", "path"):
        if ending.how == "silent":
            return "dropped between" if ending.by == "between" else "dropped between, path down?"
        told = "both sides" if len(ending.towards) == 2 else f"the {ending.towards[0]}"
        word = ending.how.upper()
        return f"{'forgotten, ' if ending.forgotten else ''}{word} from between to {told}"
    if ending.by == "nobody":
        return "still open"
    if ending.by == "unknown":
        return "not known"
    if ending.how == "silent":
        return "the device moved away" if ending.moved_to else f"the {ending.by} went silent"
    if ending.by == "both":
        return "both at once"
    if pair.device.conn_state == "REJ":
        return f"refused by the {ending.by}"
    lost = ", never arrived" if ending.undelivered else ""
    late = ", its answer was lost" if pair.signs.late and ending.by == "device" else ""
    return f"the {ending.by}, {ending.how.upper()}{lost}{late}"


def story(pair: Pair) -> str:
    """What happened, in one or two sentences, with the frames of both captures."""
    ending = pair.ending
    if ending.by in ("between", "path"):
        if pair.kind == "relayed":
            return _relayed(pair)
        if ending.how == "silent":
            return _dropped(pair, ending.drops)
        return _forged(pair)
    if ending.by == "nobody":
        return "Neither side closed it while both captures ran."
    if ending.by == "unknown":
        return "How it ended cannot be told: one of the captures was not running then, or does not show who sent that."
    if ending.how == "silent":
        return _silent(pair)
    return _closed(pair)


def idle_words(pair: Pair) -> str:
    """After how much silence, if that is known."""
    idle = pair.ending.idle_ns
    return f" after {span(idle / NS)} of silence" if idle is not None and idle >= NS / 10 else ""


def _forged(pair: Pair) -> str:
    ending = pair.ending
    closes = _firsts(ending.closes)
    got = "both sides" if len(closes) == 2 else f"the {closes[0].at}"
    where = " and ".join(f"{_frame(close)}, in the name of {OTHERS[close.at]}" for close in closes)
    text = f"{got} got a {closes[0].word} that {'nobody' if len(closes) == 2 else OTHERS[closes[0].at]} sent ({where})"
    if ending.forgotten and ending.drops:
        drop = ending.drops[0]
        text = f"what the {SIDES[drop.side]} sent{idle_words(pair)} ({_frames(drop)}) never arrived; instead {text}"
    else:
        text += idle_words(pair)
    return f"{_sentence(text)}{_ttl(pair, closes)}"


def _dropped(pair: Pair, drops: tuple[Drop, ...]) -> str:
    first = drops[0]
    text = (
        f"{_a(first)} that the {SIDES[first.side]} sent{idle_words(pair)} ({_frames(first)}) never reached "
        f"{POINTS[SIDES[1 - first.side]]}: dropped between the two points"
    )
    if len(drops) > 1:
        other = drops[1]
        text += f"; so was what the {SIDES[other.side]} sent ({_frames(other)})"
    if pair.ending.by == "path":
        text += ". Nothing else of this device was seen at both points meanwhile, so all of its path may have been down"
    return _sentence(text)


def _relayed(pair: Pair) -> str:
    closes = pair.ending.closes
    if not closes:
        return "A proxy that ends TCP stands between."
    parts = [f"a {close.word} to the {close.at} ({_frame(close)})" for close in _firsts(closes)]
    text = f"the proxy between, which ends TCP for both, sent {' and '.join(parts)}{idle_words(pair)}"
    return _sentence(f"{text}, before the {' or the '.join(close.at for close in _firsts(closes))} had closed")


def _silent(pair: Pair) -> str:
    deaf, ending = pair.signs.deaf, pair.ending
    if deaf is None:
        drop = ending.drops[0]
        lost = f"what the {SIDES[drop.side]} sent{idle_words(pair)} ({_frames(drop)}) reached nobody"
        return _sentence(f"{lost}: the device had gone on from {ending.moved_to}")
    side = SIDES[deaf.side]
    text = f"what arrived at the {side}'s point ({framed(deaf.frames)} of {POINTS[side]}) was never answered"
    if ending.moved_to:
        text += f": the device had gone on from {ending.moved_to}"
    return _sentence(f"{text}; it was not lost between the points")


def _closed(pair: Pair) -> str:
    ending = pair.ending
    closes = {close.side: close for close in ending.closes}
    if ending.by == "both":
        frames = " and ".join(_frame(close) for close in closes.values())
        return _sentence(f"both sides closed, closer together than the clocks' error ({frames})")
    side = SIDES.index(ending.by) if ending.by in SIDES else SERVER
    own = closes.get(side) or ending.closes[0]
    text = f"the {ending.by} closed by {own.word}{idle_words(pair)} ({_frame(own)})"
    other = SIDES[1 - side]
    text += f"; that never reached {POINTS[other]}" if ending.undelivered else f", and the {other}'s side got that"
    if pair.kind == "relayed":
        text = (
            f"the {ending.by} closed by {own.word}{idle_words(pair)} ({_frame(own)}); the proxy between passed that on"
        )
    if ending.by == "device":
        text += _waiting(pair)
    return _sentence(text)


def _waiting(pair: Pair) -> str:
    """What a device that gave up had been waiting for."""
    signs = pair.signs
    if signs.late is not None:
        when = "arrived only later" if signs.late.ever else "never arrived"
        return (
            f". The server had sent its answer (frame {signs.late.frame} of its capture), which {when}: lost on the way"
        )
    if signs.asked is not None and pair.ending.idle_ns is not None and pair.ending.idle_ns >= NS:
        return f". The server had the last request (frame {signs.asked} of its capture) and had sent no answer"
    return ""


def _ttl(pair: Pair, closes: list[Close]) -> str:
    """Whether the forged packets could have been told apart at one point."""
    found = []
    for close in closes:
        lined = pair.comparison.near(SIDES.index(close.at))
        usual = sorted({int(ttl) for ttl in lined.rows.ttl[(lined.rows.side == close.side) & ~lined.closing]})
        if usual and close.ttl not in usual:
            found.append(f"TTL {close.ttl}, where {OTHERS[close.at]}'s own packets have {' or '.join(map(str, usual))}")
    if found:
        return f" It came with {'; and '.join(found)}."
    return " It came with the usual TTL: one capture alone could not have told."


def _firsts(closes: tuple[Close, ...]) -> list[Close]:
    """The first one at each point."""
    found: dict[str, Close] = {}
    for close in closes:
        found.setdefault(close.at, close)
    return list(found.values())


def _frame(close: Close) -> str:
    return f"frame {close.frame} of {POINTS[close.at]}"


def _frames(drop: Drop) -> str:
    times = f", {counted(len(drop.frames), 'packet')}" if len(drop.frames) > 3 else ""
    return f"{framed(drop.frames)} of {POINTS[SIDES[drop.side]]}{times}"


def _a(drop: Drop) -> str:
    return {"FIN": "the FIN", "SYN": "the SYN", "keep-alive": "the keep-alives"}.get(drop.word, "the data")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
