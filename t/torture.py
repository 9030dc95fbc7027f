#!/usr/bin/env python3
"""
torture: kills roles with SIGKILL under load and holds the ledger against what
an agent and two servers wrote down for themselves.

    t/torture.py [--times N] [--role ROLE]... [--seed S] [--expect-loss]

Every call a server saw has a decision record, every answer an agent got has
an outcome record, every call that a budget is about was charged, and the
ledger verifies.  Where a back or launch dies the other server goes on; a front
or judge serves again soon; where ledger, keys
or parent die nothing passes until they are back.  --expect-loss is for a
build that forwards before it records: it must fail.
"""
import argparse
import json
import os
import random
import shutil
import signal
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fakes
import gatetest as g
import journal

ROLES = ("front", "judge", "back", "dial", "launch", "desk", "ledger", "keys",
         "budget", "tiles", "parent")
BUDGET = 10 ** 9  # calls of server one; two has none, and goes on
SOON = 1.0  # seconds until a front or judge serves again, as a median
LONG = 10.0


class Torture:
    def __init__(self, seed):
        self.dir = g.directory("torture")
        self.ups = {n: journal.Upstream(os.path.join(self.dir, n))
                    for n in ("one", "two")}
        servers = {n: dict(journal.KEEP, url=u.url, era="modern")
                   for n, u in self.ups.items()}
        os.mkdir(os.path.join(self.dir, "pipe"))
        servers["pipe"] = fakes.stdio_command(
            "modern", os.path.join(self.dir, "pipe", "journal"))
        self.gate = g.Gateway({"servers": servers, "budgets": {
            "calls": {"calls": BUDGET, "server": "one", "lease": 16}}},
            where=self.dir)
        self.agents = journal.Agents(self.gate, list(self.ups),
                                     os.path.join(self.dir, "agent"), seed)
        self.random = random.Random(seed)

    def good(self, server=None):
        with self.agents.lock:
            return self.agents.good[server] if server else \
                sum(self.agents.good.values())

    def flows(self, seconds=LONG):
        """Seconds until every server answers again; None: it does not."""
        start = time.monotonic()
        before = {s: self.good(s) for s in self.ups}
        if g.until(lambda: all(self.good(s) > before[s] + 2
                               for s in self.ups), seconds):
            return time.monotonic() - start
        return None

    def serves(self, seconds=LONG):
        """Seconds until a dozen new connections in a row are served, which
        is every cell; None: never."""
        start = time.monotonic()

        def dozen():
            for i in range(12):
                path = f"/s/{list(self.ups)[i % 2]}/mcp"
                try:
                    a = self.gate.agent(path=path, timeout=2).modern(
                        "tools/list")
                except OSError:
                    return False
                if not a.allowed:
                    return False
            return True
        return time.monotonic() - start if g.until(dozen, seconds) else None

    def kill(self, role):
        """Kills one instance; the seconds until all flows again."""
        if role == "parent":
            pid = self.gate.process.pid
        else:
            # After some deaths in a row a role is started with a wait.
            rows = g.until(lambda: self.gate.roles().get(role), 3)
            if not rows:
                return -1.0
            pid = self.random.choice(rows)[1]
        time.sleep(self.random.random() * 0.05)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return -1.0
        took = self.serves(1.0 if role == "parent" else LONG)
        if took is None or self.gate.process.poll() is not None:
            start = time.monotonic()
            self.restart()
            if self.serves() is None:
                return None
            took = time.monotonic() - start
        return took if self.flows() is not None else None

    def restart(self):
        """By hand, as a service manager would."""
        g.until(lambda: not g.listening(self.gate.port), 3)
        self.gate.stop()
        try:
            self.gate.start()
        except RuntimeError:
            pass

    def check(self, role):
        lost, unended, verifies, said, saw, got = journal.violations(
            self.gate, self.agents, self.ups.values())
        g.ok(not lost, f"{role}: each of {saw} calls that a server saw has a "
             "decision record", lost[:5])
        g.ok(not unended, f"{role}: each of {got} answers that the agent got "
             "has an outcome record", unended[:5])
        g.ok(verifies, f"{role}: the ledger verifies", said)
        code, out, err = self.gate.cli("budgets", "gatehouse.yaml", "--json")
        used = json.loads(out)["budgets"][0]["totals"][0]["used"] \
            if code == 0 else 0
        left = len(self.ups["one"].journal.words())
        g.ok(used >= left, f"{role}: each of {left} calls that a budget is "
             f"about was charged ({used})", out + err)
        wrong = g.readledger.budget_complaints(self.gate.state)
        g.ok(not wrong, f"{role}: the budgets' log holds", wrong[:5])
        return not lost and not unended and verifies and used >= left

    def done(self):
        self.agents.stop()
        self.gate.stop()
        for u in self.ups.values():
            u.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def one_role(role, times, seed):
    t = Torture(f"{seed}-{role}")
    g.ok(t.flows() is not None, f"{role}: calls flow before", t.gate.log()[-800:])
    took, stuck, skipped = [], 0, 0
    other = []
    for _ in range(times):
        before = t.good("two")
        k = t.kill(role)
        if k is None:
            stuck += 1
        elif k < 0:
            skipped += 1
        else:
            took.append(k)
        other.append(t.good("two") - before)
    g.ok(not stuck, f"{role}: calls flow again after each of {times} kills",
         f"{stuck} times they did not\n{t.gate.log()[-800:]}")
    g.ok(skipped * 4 <= times, f"{role}: there was one to kill",
         f"{skipped} of {times} times not")
    if took:
        middle = statistics.median(took)
        g.note(f"{role}: flows again after {middle:.2f} s in the middle, "
               f"{max(took):.2f} s at most; {t.good()} good calls, "
               f"{t.agents.bad} refused or lost")
        if role in ("front", "judge"):
            g.ok(middle <= SOON, f"{role}: serves again within {SOON} s",
                 took)
    t.agents.stop()
    fine = t.check(role)
    t.done()
    return fine


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--times", type=int, default=200)
    p.add_argument("--role", action="append", choices=ROLES)
    p.add_argument("--seed", default=str(random.SystemRandom().randrange(
        10 ** 9)))
    p.add_argument("--expect-loss", action="store_true")
    a = p.parse_args()
    g.note(f"seed {a.seed}")
    if a.expect_loss:
        fine = one_role("ledger", a.times, a.seed)
        print("# a build that forwards first " +
              ("was not caught" if fine else "was caught"))
        sys.exit(1 if fine else 0)
    for role in a.role or ROLES:
        one_role(role, a.times, a.seed)
    g.done()


if __name__ == "__main__":
    main()
