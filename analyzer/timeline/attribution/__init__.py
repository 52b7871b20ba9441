"""Who ended a connection: kinds of evidence, one a file, and the place where they are weighed.

Each kind is a function that looks at one end and gives a `Clue` or none: a word, a sentence, the frames that show it,
and how much it speaks for each suspect. `weighing` adds that up. Nothing here knows of waits; `endings` does.

A new kind of evidence is a function in the file of its kind and its name in `reset.CLUES` or `closing.CLUES`.
"""
