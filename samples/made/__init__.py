"""Captures that are made and not recorded, packet by packet with scapy: what nobody can record any more.

No public capture of an Exchange 2003 front-end with its back-end exists. `python -m samples.made [DIRECTORY]` writes
these, the same bytes each time, each with its truth. One file a sample in `stories/`: NAME, ABOUT and `make()`; to add
one, write the file. `../README.md` says which fields follow a document and which are inference.

    wire     packets: TCP, UDP and ICMP between hosts, at given microseconds
    eas      what the device and the front-end say to each other
    dav      what the front-end and the mailbox server say to each other
    stage    the hosts, and what happens between them, written down as truth
"""
