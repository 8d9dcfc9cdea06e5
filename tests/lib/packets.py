"""Packets by hand, for tests of captures: IPv4 over raw IP (DLT_RAW), checksums left out, as a card would fill them in."""
import socket
import struct

HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 101)
FIN, SYN, RST, ACK = 1, 2, 4, 16
BEGAN = 1795392000


def segment(at, source, target, flags, seq=0, ack=0, data=b""):
    """One TCP segment of the classic file form; `at`: seconds after BEGAN; source and target: (address, port)."""
    tcp = struct.pack(">HHIIBBHHH", source[1], target[1], seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, 65535, 0, 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0,
                     socket.inet_aton(source[0]), socket.inet_aton(target[0]))
    packet = ip + tcp + data
    seconds, fraction = divmod(round(at * 1000000), 1000000)
    return struct.pack("<IIII", BEGAN + seconds, fraction, len(packet), len(packet)) + packet


def connection(at, client, server, turns, end=True):
    """A whole connection: turns are (who says it, "<" the server or ">" the client, bytes), a tenth of a second apart."""
    seq = {">": 1001, "<": 5001}
    yield segment(at, client, server, SYN, 1000)
    yield segment(at + 0.001, server, client, SYN | ACK, 5000, 1001)
    yield segment(at + 0.002, client, server, ACK, 1001, 5001)
    for way, data in turns:
        at += 0.1
        source, target = (client, server) if way == ">" else (server, client)
        yield segment(at, source, target, ACK, seq[way], seq["<" if way == ">" else ">"], data)
        seq[way] += len(data)
    if end:
        yield segment(at + 0.1, client, server, FIN | ACK, seq[">"], seq["<"])
        yield segment(at + 0.101, server, client, FIN | ACK, seq["<"], seq[">"] + 1)
        yield segment(at + 0.102, client, server, ACK, seq[">"] + 1, seq["<"] + 1)
