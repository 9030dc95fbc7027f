"""
durable: what it costs that records are on the disk before anything acts on
them, and what a start over many of them costs.  A part of bench/run.
"""
import glob
import json
import os
import shutil
import statistics
import subprocess
import time

import gatetest as g

RATE = 2000      # calls a second for what durability adds
CONNECTIONS = 256  # enough that a call waits for a sync, not for a connection
CALLERS = (16, 128, 512)  # of the ledger alone, each with one record under way


def tool(tools, *argv):
    r = subprocess.run([os.path.join(tools, "bench-ledger"), *map(str, argv)],
                       check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(r.stdout)


def group(tools, directory, quick, out):
    """Records a second through pen, ring and role ledger."""
    rows = []
    for callers in CALLERS:
        where = os.path.join(directory, f"group-{callers}")
        os.mkdir(where)
        rows.append(tool(tools, "group", where, callers, 2 if quick else 5))
        shutil.rmtree(where)
    out["durable records/s, group commit"] = max(r["per_s"] for r in rows)
    print("\n# durable records of 600 B, the judge's pen and role ledger in "
          "two processes, fdatasync before a caller goes on: " + "; ".join(
              f"{r['callers']} callers {r['per_s']:,.0f}/s, p50 "
              f"{r['p50_us'] / 1000:.2f} ms, p99 {r['p99_us'] / 1000:.2f} ms"
              for r in rows))


def paced(target, ms):
    p = target.load(CONNECTIONS)
    p.stdin.write(f"rate {RATE} {ms}\n")
    p.stdin.flush()
    got = json.loads(p.stdout.readline())
    if got["errors"]:
        raise SystemExit(f"{target.name}: {got['errors']} wrong: {got['why']}")
    return got


def added(tools, directory, targets, rounds, ms, out):
    """What a strict gateway adds at 2,000 calls/s, in an order that rotates;
    the bare sync is measured in each round, alone, on the same disk."""
    where = os.path.join(directory, "sync")
    os.mkdir(where)
    rows = {t.name: [] for t in targets}
    syncs = []
    for t in targets:
        paced(t, ms // 2)  # connections and caches: not counted
    for r in range(rounds):
        turn = r % len(targets)
        for t in targets[turn:] + targets[:turn]:
            rows[t.name].append(paced(t, ms))
        syncs.append(tool(tools, "sync", where))

    def ms_of(values, key):
        return statistics.median(v[key] for v in values) / 1000
    direct, strict = (rows[t.name] for t in targets)
    sync = ms_of(syncs, "p99_us")
    bound = 2 + 2 * sync
    add = statistics.median(s["p99_us"] - d["p99_us"]
                            for s, d in zip(strict, direct)) / 1000
    out["p99 added at 2,000 calls/s - 2 fdatasync p99, ms"] = add - 2 * sync
    print(f"# {RATE} calls/s, sent when due, {CONNECTIONS} connections: direct "
          f"p50 {ms_of(direct, 'p50_us'):.2f} ms, p99 "
          f"{ms_of(direct, 'p99_us'):.2f} ms; through a strict gateway p50 "
          f"{ms_of(strict, 'p50_us'):.2f} ms, p99 "
          f"{ms_of(strict, 'p99_us'):.2f} ms")
    print(f"# p99 added {add:.2f} ms; bound {bound:.2f} ms = 2 ms + 2 x bare "
          f"fdatasync of 600 B (p50 {ms_of(syncs, 'p50_us'):.2f} ms, p99 "
          f"{sync:.2f} ms, {rounds} x 2,000 of them in the same run)")
    made = min(s["calls"] / s["seconds"] for s in strict)
    if made < 0.95 * RATE:
        print(f"# the gateway did not keep up: {made:.0f} calls/s")


def cold(top):
    """Nothing of what is read comes out of the page cache."""
    os.sync()
    for path in glob.glob(top + "/**/*", recursive=True):
        if os.path.isfile(path):
            fd = os.open(path, os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def reopen(tools, config, records, path, out):
    """A real start over many records: from exec to the first answer, and to
    the first checkpoint that covers it."""
    gate = g.Gateway(config)  # compiled images are warm
    gate.stop()
    shutil.rmtree(gate.state)
    os.mkdir(gate.state, 0o700)
    began = time.monotonic()
    try:
        if gate.cli("keys", "init", gate.state, "example.com/bench")[0] != 0:
            raise SystemExit("no key")
        made = tool(tools, "state", gate.state, records)
        size = sum(os.path.getsize(f) for f in glob.glob(
            gate.state + "/ledger/*"))
        cold(gate.state)
        made_s = time.monotonic() - began
        start = time.monotonic()
        gate.start(wait=False)
        answered = g.until(lambda: first_answer(gate, path), 120, 0.002)
        took = time.monotonic() - start
        signed = g.until(lambda: checkpoint(gate) > records, 120, 0.01)
        took_signed = time.monotonic() - start
        if not answered or not signed:
            raise SystemExit("it does not serve: " + gate.log()[-800:])
    finally:
        gate.stop()
        shutil.rmtree(gate.state, ignore_errors=True)
    if records >= 10 ** 7:
        out["reopening 10 million records, s"] = took
    print(f"# a start over {records:,} records of 600 B ({size / 1e9:.1f} GB, "
          f"not in the page cache): first answer after {took:.2f} s, a "
          f"checkpoint of {records:,} and its own after {took_signed:.2f} s; "
          f"they were written in {made_s:.0f} s, merged at "
          f"{made['merged_per_s']:,.0f} records/s")


def first_answer(gate, path):
    try:
        return gate.agent(path=path).modern("tools/list").result is not None
    except OSError:
        return False


def checkpoint(gate):
    try:
        with open(os.path.join(gate.state, "log", "checkpoint"),
                  encoding="utf-8") as f:
            return int(f.read().split("\n")[1])
    except (OSError, IndexError, ValueError):
        return 0
