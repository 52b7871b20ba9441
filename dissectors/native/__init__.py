"""The loops that touch every packet, compiled: a kernel a file, each with a twin in numpy that says what it must do.

    chains.pyx     capture/chains.py              where records begin
    segments.pyx   net/packets.py, segments.py    TCP headers as columns
    facts.pyx      net/columns.py, facts.py,      whose packets are whose, and what they show of their connections
                   firsts.py, positions.py

They are built where there is a C compiler. Where there is none, or the environment has DIRECTPUSH_PURE=1, the twins do
the work: all is said just the same, it only takes longer. Tests hold the two equal.
"""

import os

REVISION = 2
"""Raised, here and in every kernel, with each change of a kernel or of the rows of `evidence.Slots`: kernels of another
revision are not used.
"""

state = "compiled"
"""`compiled`, or why not: `absent` (not built), `stale` (built from other sources) or `off` (DIRECTPUSH_PURE)."""

if os.environ.get("DIRECTPUSH_PURE", "0") not in ("", "0"):
    state = "off"
else:
    try:
        from dissectors.native import chains, facts, segments
    except ImportError:
        state = "absent"
    except AttributeError:  # they ask for what is no longer there
        state = "stale"
    else:
        if {chains.REVISION, facts.REVISION, segments.REVISION} != {REVISION}:
            state = "stale"

enabled = state == "compiled"
