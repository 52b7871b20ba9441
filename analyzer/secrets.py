"""Key logs and private keys from files: what opens the TLS connections of a capture."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from analyzer.trouble import PathLike, Trouble

if TYPE_CHECKING:
    from dissectors.tls import KeyLog

MAX_KEYLOG_BYTES = 1 << 30
MAX_KEY_BYTES = 1 << 20
PASSWORD_VARIABLE = "DIRECTPUSH_RSA_PASSWORD"  # on a command line everybody on the machine could read it
KEYLOG_HINT = "a key log is what SSLKEYLOGFILE makes a client write: lines of a label, a client random and a secret"
RSA_HINT = f"a server's RSA key as PEM, DER or PKCS#12; its password, if it has one, in {PASSWORD_VARIABLE}"


def read_keys(
    keylogs: Sequence[PathLike], rsa_keys: Sequence[PathLike], password: str | None, warnings: list[Trouble]
) -> KeyLog:
    """Key logs and private keys together; what could not be read or understood is added to `warnings`."""
    keys = read_keylogs(keylogs, warnings)
    for path in rsa_keys:
        name = os.fspath(path)
        try:
            with open(path, "rb") as file:
                data = file.read(MAX_KEY_BYTES)
        except OSError as error:
            warnings.append(Trouble(f"{name}: private key not read: {error.strerror or error}", RSA_HINT))
            continue
        remarks = keys.add_private_key(data, name, None if password is None else password.encode())
        warnings += [Trouble(remark, RSA_HINT) for remark in remarks]
    return keys


def read_keylogs(paths: Sequence[PathLike], warnings: list[Trouble]) -> KeyLog:
    """The key logs together; what could not be read or understood is added to `warnings`."""
    from dissectors.tls import KeyLog

    keys = KeyLog()
    for path in paths:
        name = os.fspath(path)
        try:
            with open(path, "rb") as file:
                text = file.read(MAX_KEYLOG_BYTES + 1)
        except OSError as error:
            warnings.append(Trouble(f"{name}: key log not read: {error.strerror or error}", KEYLOG_HINT))
            continue
        before = len(keys)
        odd = keys.add(text[:MAX_KEYLOG_BYTES], name)
        if not len(keys) or (len(keys) == before and odd):
            warnings.append(Trouble(f"{name}: it holds no TLS key", KEYLOG_HINT))
        elif len(keys) == before:
            warnings.append(Trouble(f"{name}: no key in this key log that was not known already", KEYLOG_HINT))
        else:
            warnings += [Trouble(remark, "the other lines were used") for remark in odd]
        if len(text) > MAX_KEYLOG_BYTES:
            warnings.append(
                Trouble(f"{name}: only the first {MAX_KEYLOG_BYTES >> 20} MiB were read", "split the key log")
            )
    return keys
