"""The stories, one file each: NAME, ABOUT and `make()`. This folder is listed; nothing else is to be edited."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType


def load_all() -> dict[str, ModuleType]:
    """Every story by name."""
    modules = [
        import_module(f"{__name__}.{path.stem}")
        for path in sorted(Path(__file__).parent.glob("*.py"))
        if not path.stem.startswith("_")
    ]
    return {module.NAME: module for module in modules}
