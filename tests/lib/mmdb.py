"""A writer of small mmdb files (MaxMind DB File Format Specification 2.0), for tests: networks of IPv4 and IPv6 to records."""
import ipaddress
import struct


def value(what):
    """A value as the data section has it: a control byte with type and size, then the payload."""
    if isinstance(what, str):
        return control(2, what.encode()) + what.encode()
    if isinstance(what, dict):
        return bytes([7 << 5 | len(what)]) + b"".join(value(k) + value(v) for k, v in what.items())
    if isinstance(what, list):
        return bytes([len(what), 11 - 7]) + b"".join(map(value, what))
    kind, number = what if isinstance(what, tuple) else (6, what)  # 6: uint32, 5: uint16, 9: uint64
    payload = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return (bytes([kind << 5 | len(payload)]) if kind < 8 else bytes([len(payload), kind - 7])) + payload


def control(kind, payload):
    size = len(payload)
    return bytes([kind << 5 | size]) if size < 29 else bytes([kind << 5 | 29, size - 29])


def write(path, networks, kind="Test-ASN-Country", built=1760000000):
    """`networks`: {"192.0.2.0/24": {...}}; in the tree IPv4 is below ::/96."""
    nodes = [[None, None]]
    data, offsets = b"", {}
    for network, record in networks.items():
        net = ipaddress.ip_network(network)
        bits = int(net.network_address)
        length = net.prefixlen + (96 if net.version == 4 else 0)
        packed = value(record)
        if packed not in offsets:
            offsets[packed] = len(data)
            data += packed
        at = 0
        for depth in range(length):
            side = bits >> (127 - depth) & 1
            if depth == length - 1:
                nodes[at][side] = ("data", offsets[packed])
            else:
                if nodes[at][side] is None:
                    nodes.append([None, None])
                    nodes[at][side] = len(nodes) - 1
                at = nodes[at][side]
    count = len(nodes)

    def record_of(to):
        return count if to is None else count + 16 + to[1] if isinstance(to, tuple) else to

    tree = b"".join(struct.pack(">I", record_of(side))[1:] for node in nodes for side in node)
    meta = value({"node_count": count, "record_size": (5, 24), "ip_version": (5, 6), "database_type": kind,
                  "languages": ["en"], "binary_format_major_version": (5, 2), "binary_format_minor_version": (5, 0),
                  "build_epoch": (9, built), "description": {"en": "made by a test"}})
    with open(path, "wb") as file:
        file.write(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + meta)
