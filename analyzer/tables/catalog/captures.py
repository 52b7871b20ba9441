"""The catalog entry of `captures`: what was read, and how whole it is."""

from analyzer.tables.schema import Column, Table

TABLE = Table(
    name="captures",
    grain="one capture file",
    key=("capture",),
    meaning="The files that were read. Look here first when something seems to be missing from the other tables.",
    columns=(
        Column(name="capture", kind="text", meaning="Name of the file as it was given, or - for standard input."),
        Column(
            name="engine",
            kind="enum",
            meaning="The program part that turned frames into HTTP transactions.",
            values=(
                ("builtin", "the engine of this tool"),
                ("tshark", "Wireshark's dissectors, through pyshark"),
                ("both", "the engine of this tool, and tshark for what it could not open"),
            ),
        ),
        Column(name="frames", kind="int", meaning="Frames in the file, of whatever protocol."),
        Column(name="bytes", kind="int", meaning="Size of the file's content in bytes, after decompression."),
        Column(name="start", kind="time", meaning="Time of the first frame. Null: the file holds no frame."),
        Column(name="end", kind="time", meaning="Time of the last frame. Null: the file holds no frame."),
        Column(name="link_types", kind="json", meaning="List of the link types in the file, by name."),
        Column(
            name="secrets",
            kind="int",
            meaning=(
                "TLS key log lines that are embedded in the file itself (pcapng Decryption Secrets Blocks). Key logs "
                "given beside the capture are not counted here."
            ),
        ),
        Column(
            name="truncated_frames",
            kind="int",
            meaning="Frames of which the snap length of the capture cut off bytes. Cut bytes cannot be decrypted.",
        ),
        Column(
            name="missing_bytes",
            kind="int",
            meaning="TCP payload bytes of the connections in this file that were on the wire and are not in the file "
            "(snap length, or frames that the capturing machine lost). Null: the engine cannot tell.",
        ),
        Column(
            name="complete",
            kind="bool",
            meaning="True: the file was read to its proper end. False: it breaks off inside a frame or a block.",
        ),
        Column(
            name="opened_by_tshark",
            kind="int",
            meaning="Connections that only tshark could open. Zero: none, or only one engine read the file.",
        ),
    ),
)
