"""One scenario a file: its docstring tells the story, `SCENARIO` makes it happen, `EXPECTED` is what must be said."""
