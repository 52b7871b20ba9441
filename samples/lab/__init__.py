"""A lab that records labelled captures of Direct Push: real kernel TCP, timers and proxies, our own device and server.

`python -m samples.lab list` names the scenarios, `record` records them with their truth, and
`python -m samples.lab.confusion` compares what the analyzer says about them with what happened. See README.md here.
"""
