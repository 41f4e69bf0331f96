#!/usr/bin/env python3
"""Writes golden.info, the info dictionary that magnets.Build must make.

It shares no code with the Go side: SHA-1 is hashlib's, BLAKE3 is b3sum's and
the bencoding is the ten lines below. Run it in this folder; it needs b3sum.
"""

import hashlib
import subprocess

NAME = "golden"
PIECE = 1 << 20
# (path, size, number that seeds the bytes), in any order
FILES = [
    ("model.safetensors", 2_500_000, 2),
    ("config.json", 100, 1),
    ("sub/tokenizer.json", 70_000, 3),
    ("Readme", 0, 0),
    ("model-extra.bin", 33, 4),
]


def content(size, seed):
    return bytes((i * 31 + (i >> 8) * 7 + seed) & 255 for i in range(size))


def bencode(v):
    if isinstance(v, int):
        return b"i%de" % v
    if isinstance(v, str):
        v = v.encode()
    if isinstance(v, bytes):
        return b"%d:" % len(v) + v
    if isinstance(v, list):
        return b"l" + b"".join(map(bencode, v)) + b"e"
    pairs = sorted((k.encode(), x) for k, x in v.items())
    return b"d" + b"".join(bencode(k) + bencode(x) for k, x in pairs) + b"e"


def blake3(data):
    out = subprocess.run(["b3sum", "--no-names"], input=data, capture_output=True, check=True)
    return bytes.fromhex(out.stdout.decode().strip())


files = sorted(FILES, key=lambda f: f[0].encode())
datas = [content(size, seed) for _, size, seed in files]
stream = b"".join(datas)
info = bencode({
    "name": NAME,
    "piece length": PIECE,
    "pieces": b"".join(hashlib.sha1(stream[i:i + PIECE]).digest() for i in range(0, len(stream), PIECE)),
    "files": [{"path": path.split("/"), "length": size} for path, size, _ in files],
    "blake3": b"".join(map(blake3, datas)),
})
with open("golden.info", "wb") as f:
    f.write(info)
print("infohash", hashlib.sha1(info).hexdigest())
