#!/usr/bin/env python3
"""What must not be served on: another's port, a place others may write to."""
import os

import fakes
import gatetest as g

up = fakes.HttpUpstream("modern")
BASE = {"servers": {"up": {"url": up.url, "era": "modern"}}}
d = g.directory("start")


def starts(name, **config):
    """(does it serve, what it says)."""
    gate = g.Gateway({**BASE, **config}, wait=False)
    g.until(lambda: gate.process.poll() is not None or gate.healthy())
    serves = gate.process.poll() is None
    gate.stop()
    return serves, gate.log()


def place(name, mode, ledger=None):
    path = os.path.join(d, name)
    os.makedirs(path)
    os.chmod(path, mode)
    if isinstance(ledger, str):
        os.symlink(ledger, os.path.join(path, "ledger"))
    elif ledger is not None:
        os.makedirs(os.path.join(path, "ledger"))
        os.chmod(os.path.join(path, "ledger"), ledger)
    return path


first = g.Gateway({**BASE, "cells": 2})
for cells in (1, 2):
    serves, said = starts("port", listen=f"127.0.0.1:{first.port}", cells=cells)
    g.ok(not serves and "in use" in said and str(first.port) in said,
         f"{cells} cells beside another's 2 on one port: refused, and named",
         said)
serves, said = starts("desk", desk=f"127.0.0.1:{first.desk}")
g.ok(not serves and str(first.desk) in said, "nor on its desk", said)
serves, said = starts("state", state=first.state)
g.ok(not serves and "in use" in said, "nor on its state", said)
g.ok(all(first.agent(path="/s/up/mcp").call("echo").allowed
         for _ in range(6)), "the first serves on, alone")
port = first.port
first.stop()
serves, said = starts("port", listen=f"127.0.0.1:{port}", cells=2)
g.ok(serves, "once it has ended the port is free", said)

for name, mode, ledger, serves in (
        ("private", 0o700, None, True),
        ("readable", 0o755, 0o755, True),
        ("everybody's", 0o777, None, False),
        ("sticky", 0o1777, None, False),
        ("ledger is everybody's", 0o700, 0o777, False),
        ("ledger elsewhere", 0o700, place("else", 0o700), True),
        ("ledger in everybody's", 0o700, place("open", 0o777), False)):
    got, said = starts(name, state=place(name, mode, ledger))
    g.same(got, serves, f"state: {name}")
    if not serves:
        g.ok("chmod" in said, "and it says what to do", said)
os.symlink(place("linked", 0o700), os.path.join(d, "link"))
serves, said = starts("link", state=os.path.join(d, "link"))
g.ok(serves, "state may be a link to a good place", said)
g.done()
