"""How an endpoint and a time are written, everywhere the same."""

from __future__ import annotations

from datetime import UTC, datetime


def endpoint(ip: str, port: int | None) -> str:
    """203.0.113.10:443, [2001:db8::1]:443 (RFC 3986 3.2.2); without a port the address alone."""
    if port is None:
        return ip
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def utc(nanoseconds: int) -> str:
    """2026-11-21 23:26:20.123456789, which can be cut where less is wanted."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%d %H:%M:%S}.{rest:09d}"


def rfc3339(nanoseconds: int) -> str:
    """2026-11-21T23:26:20.123456789Z"""
    return f"{utc(nanoseconds).replace(' ', 'T')}Z"
