#!/usr/bin/env python3
"""A libtorrent peer for tests and measurements; it uses loopback only.

  libtorrent_peer.py make KIND FOLDER OUT [PIECE]   KIND is v1, hybrid or v2; prints the magnet
  libtorrent_peer.py seed TORRENT PARENT            prints "port N", ends with stdin
  libtorrent_peer.py leech LINK PARENT PEER         LINK is a file or a magnet; prints seconds, MB of memory,
                                                    seconds of CPU
"""

import os
import resource
import sys
import time

import libtorrent as lt

SETTINGS = {
    "listen_interfaces": "127.0.0.1:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_outgoing_utp": False,  # it is tried before TCP, for three seconds
    "allow_multiple_connections_per_ip": True,
    "alert_mask": 0,
}


def make(kind, folder, out, piece="0"):
    flags = {"v1": 64, "hybrid": 0, "v2": 32}[kind]  # v1_only, none, v2_only
    storage = lt.file_storage()
    lt.add_files(storage, folder)
    torrent = lt.create_torrent(storage, int(piece), flags=flags)
    lt.set_piece_hashes(torrent, os.path.dirname(os.path.abspath(folder)))
    with open(out, "wb") as f:
        f.write(lt.bencode(torrent.generate()))
    print(lt.make_magnet_uri(lt.torrent_info(out)))


def seed(torrent, parent):
    session = lt.session(SETTINGS)
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(torrent)
    params.save_path = parent
    params.flags |= lt.torrent_flags.seed_mode
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    session.add_torrent(params)
    while not session.is_listening():
        time.sleep(0.01)
    print("port", session.listen_port(), flush=True)
    sys.stdin.read()


def leech(link, parent, peer):
    session = lt.session(SETTINGS)
    if link.startswith("magnet:"):
        params = lt.parse_magnet_uri(link)
    else:
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(link)
    params.save_path = parent
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    host, port = peer.rsplit(":", 1)
    params.peers = [(host, int(port))]
    start = time.monotonic()
    handle = session.add_torrent(params)
    while not handle.status().is_seeding:
        time.sleep(0.01)
    seconds = time.monotonic() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(f"{seconds:.2f} {used.ru_maxrss / 1000:.0f} {used.ru_utime + used.ru_stime:.2f}")


{"make": make, "seed": seed, "leech": leech}[sys.argv[1]](*sys.argv[2:])
