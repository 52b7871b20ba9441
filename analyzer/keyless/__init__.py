"""Push waits in connections that stayed encrypted: recognised by who spoke when, and how much.

What survives encryption
    A device that waits for mail sends one small request of constant length and then both sides are silent, for minutes,
    until a small answer comes. What follows tells what the answer meant: the same request again, at once, means that
    the time ran out; a request of another length (Sync), then the first one again, means that something changed. So a
    connection labels itself, and no length is known beforehand: header sets, cookies, tokens and ciphers move them.

The parts
    exchanges    turns of a connection (`dissectors.net.turns`) → requests and answers, handshake and tickets left out
    strangers    connections that are something else by rule: IMAP IDLE, push services, WebSocket, event streams, ...
    family       connections of one client to one server; which exchanges are waits, and how sure that is
    meanings     what each answer meant, learned from what followed; the interval that was in force
    inference    the whole way from connections to `Inferred`; what the timeline calls
    endings      how a wait that was never answered ended, by the same judgement as for decrypted ones
    accuracy     all of it against captures whose keys are at hand, and hidden; its table is in README.md

Every step abstains when unsure. What is inferred says so: `kind` inferred, `requested_source` inferred; never a user,
a folder or a status. Ping and hanging Sync look alike: both are push waits.

Limits
    Silence of less than SILENCE_S is not looked at, unless its length has been learned on longer ones. In real life
    waits last for 55 s and more (LONG_S, evidence in itself); shorter ones must earn it by repetition. Under CBC
    lengths are rounded to 16, so an answer's meaning is often unknown. With HTTP/2 other requests share the connection:
    what overlaps is not told apart, and is left alone. One device's requests behind a proxy that mixes many are not
    either. Only the built-in engine gives turns.
"""

import analyzer.timeline as _timeline  # noqa: F401  each builds on parts of the other: this order works
