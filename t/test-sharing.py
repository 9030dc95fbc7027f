"""Who shares a tool server's process, as `sharing` says."""
import os

import fakes
import gatetest as g

d = g.directory("sharing")


def server(name, era):
    return fakes.stdio_command(era, os.path.join(d, name))


def started(name):
    """Processes of this server that ever began, by its own journal."""
    return [m["started"] for m in fakes.journal_of(os.path.join(d, name))
            if "started" in m]


names = {w: f"new-{w}" for w in ("session", "principal", "all")}
servers = {n: dict(server(n, "modern"), sharing=w) for w, n in names.items()}
servers["old"] = dict(server("old", "legacy"), sharing="all")
gate = g.Gateway({"servers": servers, "cells": 1},
                 agents={"alice": "a", "bob": "b"})
SOME = {"elicitation": {}}  # other capabilities: another upstream session
for word, want in (("session", (1, 2, 3)), ("principal", (1, 1, 2)),
                   ("all", (1, 1, 1))):
    def call(token, capabilities=None):
        return gate.agent(path=f"/s/{names[word]}/mcp", token=token).call(
            "echo", {"text": "x"}, capabilities=capabilities)

    g.ok(call("a").allowed and call("a").allowed, f"{word}: calls of alice")
    g.same(len(started(names[word])), want[0], "have one process")
    g.ok(call("a", SOME).allowed, "and with other capabilities")
    g.same(len(started(names[word])), want[1], f"{want[1]} now")
    g.ok(call("b").allowed and call("b").allowed, "calls of bob")
    g.same(len(started(names[word])), want[2], f"{want[2]} now")
    g.ok(call("a").allowed and call("a", SOME).allowed and
         call("b").allowed, "all go on")
    g.same(len(started(names[word])), want[2], "with those there are")

# Sessions keep state in a legacy server: its lists, roots and log level.
sessions = [gate.agent(path="/s/old/mcp", token=t) for t in "aab"]
for i, s in enumerate(sessions):
    g.ok(s.initialize() and s.legacy("tools/call", {
        "name": "echo", "arguments": {"text": "x"}}).allowed,
         f"session {i + 1} of a legacy server")
    g.same(len(started("old")), i + 1, "has a process of its own")
gate.stop()

g.done()
