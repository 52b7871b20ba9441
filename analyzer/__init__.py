"""Direct Push analyzer: what the events of `dissectors` mean for push mail. See README.md beside this file.

from analyzer import analyze
analysis = analyze("office.pcapng", keylog="phones.keys")
print(analysis.summary())
analysis.heartbeats[["held_s", "outcome"]]
"""

from analyzer.analysis import Analysis, analyze
from analyzer.trouble import AnalyzeError

__all__ = ["Analysis", "AnalyzeError", "analyze"]
