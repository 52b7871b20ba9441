"""Real TLS conversations, recorded without root: OpenSSL's own programs talk over loopback through a relay that notes
every byte with its direction and time; the notes become TCP packets and a capture file.

    identity   certificates and keys of the servers and clients
    suites     what the OpenSSL on this machine can still negotiate, asked at run time
    relay      the tap between the two programs
    programs   one `openssl s_server` or `s_client`: its input, its output, its end
    recorder   a scenario → a `Recording`: conversations, key log, and what the programs really sent
    packets    conversations → TCP packets (losses are packets left out) → pcap, pcapng
    oracle     what tshark reads in the same capture
"""
