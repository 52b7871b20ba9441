"""One file a command, each with a function of the file's name; `cli.py` finds them by listing this folder."""

#: The order in `directpush --help`: the main job first. A command that is not named here comes after these.
ORDER = ("analyze", "timeline", "decode", "pair", "verify", "explain", "doctor")
SHARED = ("common", "options", "plain_options")
