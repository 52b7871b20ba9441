"""What a table is made of: the types that the catalog is written in (DESIGN section 5)."""

from typing import Literal, NamedTuple

# Kind → pandas dtype; None is "not observed" in all of them.
#   int: Int64 · float: float64 (NaN) · bool: boolean · time: datetime64[ns, UTC] · text, enum: category or str
#   json: object
Kind = Literal["int", "float", "bool", "time", "text", "enum", "json"]


class Column(NamedTuple):
    """One column of a table."""

    name: str  # snake_case with its unit as suffix: _s, _ms, _bytes
    kind: Kind
    meaning: str  # one or more sentences, printed by `directpush explain` and in the docs
    values: tuple[tuple[str, str], ...] = ()  # for an enum: each value and what it means
    personal: bool = False  # may name a person, device or host: replaced under --pseudonymize


class Table(NamedTuple):
    """One table of the result."""

    name: str
    grain: str  # what one row is
    key: tuple[str, ...]
    meaning: str
    columns: tuple[Column, ...]
