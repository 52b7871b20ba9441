"""The pictures of the page, one a file. `look` is their common language, `scene` decides what is drawn."""
