"""`directpush decode`: each Exchange ActiveSync message of a capture, readable, one after the other.

    reading    captures and keys → events
    decoder    events → what was asked for (chosen), rendered, in order of the requests' start (order)
    messages   a transaction → its two messages: facts, sizes, headers, body (bodies: decoded and masked)
    fates      what became of a request that has no answer
    text       a transaction as a block for people
    lines      a message as a JSON line

Personal text is shown as its length unless it is asked for, secrets never.
"""
