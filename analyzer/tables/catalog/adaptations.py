"""The catalog entry of `adaptations`: how each device finds its heartbeat."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="adaptations",
    grain="one session on one client network and server address",
    key=("session_id", "path"),
    meaning=(
        "How a device changes the interval that it asks for, by which known algorithm, and where that ends with the "
        "idle timer of this path. Beside it, what Exchange itself watches: the mean of the newest heartbeats."
    ),
    columns=(
        Column(name="session_id", kind="int", meaning="The device, see `sessions`."),
        Column(name="path", kind="text", personal=True, meaning="The network path, as in `idle_timeouts`."),
        Column(name="waits", kind="int", meaning="Waits whose interval is known."),
        Column(name="first_seen", kind="time", meaning="Start of the first of these waits."),
        Column(name="last_seen", kind="time", meaning="Start of the last one."),
        Column(
            name="steps",
            kind="json",
            meaning=(
                "The intervals in order of time, the first 100 changes: requested_s, waits (so many in a row), deaths "
                "(how many of them were cut)."
            ),
        ),
        Column(name="first_s", kind="float", meaning="Interval of the first wait."),
        Column(name="current_s", kind="float", meaning="Interval of the last wait: the step that the device is at."),
        Column(name="lowest_s", kind="float", meaning="Smallest interval asked for."),
        Column(name="highest_s", kind="float", meaning="Largest interval asked for."),
        Column(
            name="algorithm",
            kind="enum",
            meaning="How the device finds its interval, by the values that it asks for.",
            values=(
                ("fixed", "always the same interval, at least three times"),
                ("windows_mobile", "a staircase of equal steps; after a failure one step back, or down to its minimum"),
                ("android_2009", "Android of 2009 to 2012: 290 to 1010 s by 180 s, never raised again after a failure"),
                (
                    "android_2013",
                    "Android since 2013: 480 to 1680 s by 300 s, up after each success, down after failures",
                ),
                ("ios_like", "climbs by steps of no published algorithm, as Apple's devices do"),
                ("unknown", "too few waits, or no pattern that is known"),
            ),
        ),
        Column(
            name="step_s", kind="float", meaning="By how much it raises. Null: it did not, or by different amounts."
        ),
        Column(
            name="ends_at_s",
            kind="float",
            meaning=(
                "Longest interval of its algorithm that this path's idle timer lets live. Null: the algorithm or the "
                "timer is not known well enough, or none lives."
            ),
        ),
        Column(
            name="prospect",
            kind="enum",
            meaning="What will become of it on this path if nothing is changed.",
            values=(
                ("settles", "it comes to an interval that lives, and stays there"),
                ("swings", "it tries a longer interval again and again, and each of these attempts dies"),
                ("dies", "even its shortest interval is longer than the timer: every quiet wait dies"),
                ("unknown", "the algorithm or the timer is not known well enough"),
            ),
        ),
        Column(
            name="mean_s",
            kind="float",
            meaning="Mean of the newest intervals, at most 200: what Exchange compares with its threshold of 540 s.",
        ),
        Column(name="mean_of", kind="int", meaning="How many intervals that mean is of. Exchange judges after 200."),
        Column(
            name="server_warns",
            kind="bool",
            meaning=(
                "The mean is at or below 540 s: from 200 heartbeats on, Exchange logs event 3033 (2003) or 1040 (2007 "
                "and later) and blames a firewall. It counts all devices together; this is one device on one network."
            ),
        ),
    ),
)
