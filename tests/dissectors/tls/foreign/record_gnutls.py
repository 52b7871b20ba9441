# ruff: noqa: E501
"""Records conversations of GnuTLS with itself: Camellia in GCM, which OpenSSL never had, and RC4 behind ECDHE.

    apt-get install gnutls-bin
    python record_gnutls.py > gnutls.json

The recordings are kept, so the tests need no GnuTLS. The server repeats what the client says.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

LINES = [b"POST /Microsoft-Server-ActiveSync HTTP/1.1\n", b"up" * 700 + b"\n", b"last\n"]

CASES = [  # name, priority string, suite
    ("camellia128-gcm-rsa", "+RSA:+CAMELLIA-128-GCM:+AEAD", "TLS_RSA_WITH_CAMELLIA_128_GCM_SHA256"),
    ("camellia256-gcm-rsa", "+RSA:+CAMELLIA-256-GCM:+AEAD", "TLS_RSA_WITH_CAMELLIA_256_GCM_SHA384"),
    ("camellia256-gcm-ecdhe", "+ECDHE-RSA:+CAMELLIA-256-GCM:+AEAD", "TLS_ECDHE_RSA_WITH_CAMELLIA_256_GCM_SHA384"),
    ("camellia128-cbc-ecdhe", "+ECDHE-RSA:+CAMELLIA-128-CBC:+SHA256", "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256"),
    ("rc4-ecdhe", "+ECDHE-RSA:+ARCFOUR-128:+SHA1", "TLS_ECDHE_RSA_WITH_RC4_128_SHA"),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def relay(listener: socket.socket, port: int, turns: list[tuple[int, bytes]]) -> None:
    near, _ = listener.accept()
    far = socket.create_connection(("127.0.0.1", port))

    def carry(source: socket.socket, target: socket.socket, side: int) -> None:
        while data := source.recv(65536):
            turns.append((side, data))
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    back = threading.Thread(target=carry, args=(far, near, 1))
    back.start()
    carry(near, far, 0)
    back.join()


def record(folder: Path, name: str, priority: str, suite: str) -> dict[str, object]:
    port = free_port()
    chosen = "NONE:+VERS-TLS1.2:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:%ALLOW_SMALL_RECORDS:" + priority
    keys = folder / f"{name}.keys"
    server = subprocess.Popen(
        ["gnutls-serv", "--echo", "-q", "-p", str(port), "--priority", chosen, "--x509certfile", str(folder / "cert.pem"),
         "--x509keyfile", str(folder / "key.pem")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    turns: list[tuple[int, bytes]] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        time.sleep(0.5)
        thread = threading.Thread(target=relay, args=(listener, port, turns))
        thread.start()
        client = subprocess.Popen(
            ["gnutls-cli", "--insecure", "--priority", chosen, "-p", str(listener.getsockname()[1]), "127.0.0.1"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**os.environ, "SSLKEYLOGFILE": str(keys)},
        )  # fmt: skip
        assert client.stdin is not None
        for line in LINES:
            time.sleep(0.4)
            client.stdin.write(line)
            client.stdin.flush()
        time.sleep(0.4)
        client.stdin.close()
        client.wait()
        thread.join()
    server.kill()
    return {
        "name": name,
        "version": "TLS 1.2",
        "suite": suite,
        "key_log": keys.read_text(),
        "turns": [[side, data.hex()] for side, data in turns],
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem", "-out", folder / "cert.pem",
             "-days", "36500", "-subj", "/CN=mail.test"], check=True, capture_output=True,
        )  # fmt: skip
        recordings = [record(folder, *case) for case in CASES]
        said = b"".join(LINES).hex()
        whole = {"private_key": (folder / "key.pem").read_text(), "sent": [said, said], "recordings": recordings}
    json.dump(whole, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
