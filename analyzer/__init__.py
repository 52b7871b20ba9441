"""Direct Push analyzer: what the events of `dissectors` mean for push mail. See README.md beside this file."""
