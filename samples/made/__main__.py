"""`python -m samples.made [DIRECTORY] [--only NAME]...`: write the made samples, with their truth, into `samples`."""

from __future__ import annotations

import argparse
from pathlib import Path

from samples.made.stage import save
from samples.made.stories import load_all


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m samples.made", description="Writes the made samples.")
    parser.add_argument("directory", type=Path, nargs="?", default=Path(__file__).resolve().parents[1])
    parser.add_argument("--only", action="append", metavar="NAME", help="this one; can be given again")
    chosen = parser.parse_args()
    stories = load_all()
    for name in chosen.only or stories:
        if name not in stories:
            parser.error(f"no sample is called {name}: {', '.join(stories)}")
        capture, truth = save(stories[name].make(), chosen.directory, name, stories[name].ABOUT)
        print(f"{capture}  {capture.stat().st_size} bytes, {truth.name}")


if __name__ == "__main__":
    main()
