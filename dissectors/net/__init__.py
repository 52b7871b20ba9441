"""Network and transport: link types, IP, TCP connections with their evidence and in-order bytes, UDP. See README.md one
folder up.
"""
