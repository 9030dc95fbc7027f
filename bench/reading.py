"""
reading: what reads a ledger, and how long that takes: checking it, making the
index, bringing it up to date, questions, exports.  Wall time and CPU of one
process; the files are in the page cache.  Informational: there is no bound.
"""
import os
import resource
import shutil
import subprocess
import time

QUESTIONS = [("agents",), ("allowed",), ("policies",), ("session", "SESSION"),
             ("tool", "tool-7"), ("subject", "person-7"), ("digest", "DIGEST")]


def timed(argv, env=None, keep=True):
    """(wall s, CPU s, stdout lines, if they are kept) of a child."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    p = subprocess.run(argv, env=env, check=False, stdout=subprocess.PIPE
                       if keep else subprocess.DEVNULL)
    wall = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if p.returncode not in (0, 1):
        raise RuntimeError(f"{argv}: exit {p.returncode}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - \
        before.ru_stime, (p.stdout or b"").decode().splitlines()


def newest(directory):
    return os.path.join(directory, sorted(os.listdir(directory))[-1])


def measure(tools, gatehouse, directory, records, out):
    """Fills out and prints the rows."""
    import json
    state = os.path.join(directory, "reading")
    ledger = os.path.join(state, "ledger")
    os.makedirs(ledger)
    subprocess.run([os.path.join(tools, "write-ledger"), ledger, str(records)],
                   check=True)
    env = dict(os.environ, XDG_CACHE_HOME=os.path.join(directory, "cache"))
    size = sum(os.path.getsize(os.path.join(ledger, n))
               for n in os.listdir(ledger))
    print(f"\n# reading a ledger of {records:,} records, {size / 1e6:.0f} MB, "
          f"in the page cache; one process, wall (CPU) in seconds")

    def row(name, argv, keep=True):
        wall, cpu, lines = timed([gatehouse, "ledger", *argv], env, keep)
        print(f"{name:44}{wall:9.3f} ({cpu:.3f})")
        return wall, cpu, lines

    wall, cpu, _ = row("verify", ["verify", state])
    out["ledger verify, records/s of CPU"] = records / cpu
    last = newest(ledger)
    whole = last + ".whole"
    os.rename(last, whole)
    shutil.copy(whole, last)
    os.truncate(last, os.path.getsize(whole) - 8 * 10**6)
    wall, cpu, lines = row("index, made", ["index", "--json", state])
    first = json.loads(lines[0])["added"]
    out["index made, records/s of CPU"] = first / cpu
    os.replace(whole, last)
    wall, cpu, lines = row("index, brought up to date",
                           ["index", "--json", state])
    added = json.loads(lines[0])["added"]
    out["index brought up to date, records/s of CPU"] = added / cpu
    print(f"{'':4}with {added:,} new records")
    wall, cpu, _ = row("index, nothing new", ["index", state])
    out["index, nothing new, ms"] = wall * 1000
    one = json.loads(row("tail of one decision, by reading all", [
        "tail", "-n", "1", "--kind", "decision", "--json", state])[2][0])
    for words in QUESTIONS:
        argv = [w.replace("SESSION", one["session"])
                .replace("DIGEST", one["digest"]) for w in words]
        wall, cpu, lines = row(f"query {words[0]}",
                               ["query", state, *argv, "--json"])
        print(f"{'':4}{len(lines):,} answers")
        out[f"query {words[0]}, ms"] = wall * 1000
    row("grep for a session", ["grep", "--session", one["session"], state])
    for name in ("ocsf", "otlp-json"):
        wall, cpu, _ = row(f"export {name}", ["export", "--format", name,
                                              state], False)
        out[f"export {name}, records/s of CPU"] = records / cpu
    shutil.rmtree(state)
