"""Options that need no check are taken as they were written.

typer (since it brings its own click) converts every value with pydantic, whose import takes 60 ms: a fifth of all that
a small capture needs. What could be wrong about a value, and every message about it, is still typer's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import EnumType
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_origin

from typer.core import TyperCommand, TyperGroup

_NOT_PLAIN = object()


class PlainCommand(TyperCommand):
    """A command whose options are converted here where that is plain, and else by typer."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _made_plain(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """The same for the options that stand before the command."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _made_plain(super().get_params(ctx))


def _made_plain(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        by_typer = parameter.process_value
        if not isinstance(by_typer, partial) and hasattr(
            parameter, "type_descriptor"
        ):  # typer without pydantic has none
            parameter.process_value = partial(_process, parameter, by_typer)
    return parameters


def _process(parameter: Any, by_typer: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    """What the command gets for a value of the command line, of the environment, or its default."""
    declared = parameter.type_descriptor.annotation
    several = get_origin(declared) is list
    taken = _NOT_PLAIN
    if not value and parameter.required:
        pass
    elif value is None:
        taken = () if several else None
    elif several and isinstance(value, list | tuple):
        items = [_plain(get_args(declared)[0], item) for item in value]
        taken = _NOT_PLAIN if _NOT_PLAIN in items else items
    elif not several:
        taken = _plain(declared, value)
    if taken is _NOT_PLAIN:
        return by_typer(context, value)
    return taken if parameter.callback is None else parameter.callback(context, parameter, taken)


def _plain(kind: Any, value: Any) -> Any:
    if type(value) is kind:  # a text that is to be one; the default
        return value
    if kind is Path and (os.access(value, os.R_OK) or not os.path.exists(value)):
        return Path(value)
    if isinstance(kind, EnumType) and value in list(kind):
        return kind(value)
    return _NOT_PLAIN
