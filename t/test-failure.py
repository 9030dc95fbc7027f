"""What breaks: a full disk, a killed role.  The answer is always refusal."""
import os
import subprocess
import sys
import time

import gatetest as g
import journal

# A full disk: nothing goes on without a record, and room makes it go again.
d = g.directory("full")
disk = os.path.join(d, "state")
os.mkdir(disk)
mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "none",
                          disk], capture_output=True, text=True)
if mounted.returncode == 0:
    try:
        up = journal.Upstream(os.path.join(d, "up"))
        gate = g.Gateway({"state": disk, "servers": {
            "up": dict(journal.KEEP, url=up.url, era="modern")}})
        gate.state = disk
        agents = journal.Agents(gate, ["up"], os.path.join(d, "agent"),
                                "full", threads=4)
        g.ok(g.until(lambda: agents.good["up"] > 20), "calls flow at first")

        def refusing():
            before, bad = agents.good["up"], agents.bad
            time.sleep(0.5)
            return agents.good["up"] == before and agents.bad > bad

        g.ok(g.until(refusing, 60), "a full disk refuses",
             f"{agents.good} {agents.bad}")
        seen = len(up.journal.words())
        time.sleep(1)
        g.same(len(up.journal.words()), seen, "and nothing goes upstream")
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        before = agents.good["up"]
        g.ok(g.until(lambda: agents.good["up"] > before + 5, 10),
             "with room again it serves, by itself", gate.log()[-1000:])
        agents.stop()
        lost, unended, verifies, said, saw, got = journal.violations(
            gate, agents, [up])
        g.ok(not lost, f"each of {saw} calls has a decision record", lost[:5])
        g.ok(not unended, f"each of {got} answers has an outcome record",
             unended[:5])
        g.ok(verifies, "the ledger verifies", said)
        gate.stop()
    finally:
        subprocess.run(["umount", "-l", disk], check=False)
else:
    g.note("full disk: not shown, a small file system cannot be mounted: " +
           mounted.stderr)
    g.ok(True, "full disk # SKIP no right to mount")

# A few kills of each role; "make torture" does many.
seed = os.environ.get("SEED", str(int(time.time())))
r = subprocess.run([sys.executable, os.path.join(g.TOP, "t", "torture.py"),
                    "--times", os.environ.get("TIMES", "3"), "--seed", seed],
                   text=True, capture_output=True, timeout=900)
g.note(r.stdout)
g.ok(r.returncode == 0, f"torture, seed {seed}", r.stdout[-3000:] +
     r.stderr[-2000:])
g.done()
