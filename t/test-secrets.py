"""Who holds the environment and the arguments of tool servers: launch."""
import os
import signal
import subprocess
import sys

import fakes
import gatetest as g

d = g.directory("secrets")
VALUE, WORD, OLD = (f"{n}-{os.urandom(16).hex()}" for n in ("v", "w", "o"))

server = fakes.stdio_command("modern", os.path.join(d, "journal"))
server["command"].append(WORD)
server["env"] = {"SECRET": VALUE}


def environment_of_server():
    """What the tool server has, from the kernel."""
    for pid, argv in g.descendants(gate.process.pid).items():
        if WORD in argv:
            with open(f"/proc/{pid}/environ", "rb") as f:
                return f.read()
    return b""


gate = g.Gateway({"servers": {"fs": server}})
a = gate.agent(path="/s/fs/mcp").call("echo", {"text": "x"})
g.ok(a.allowed, "the server answers", a)
g.ok(f"SECRET={VALUE}".encode() in environment_of_server(),
     "it has its environment")
g.held_only_by(gate, VALUE.encode(), ["launch"], "a value of env")
launch = min(p for _, p in gate.roles()["launch"])  # the other is its hand
g.ok(not g.in_memory(launch, VALUE.encode()), "and there by the hand alone")
g.held_only_by(gate, WORD.encode(), ["launch"], "an argument")

# launch and ledger, started again.
for role in ("launch", "ledger"):
    _, pid = gate.roles()[role][0]
    os.kill(pid, signal.SIGKILL)
    g.ok(g.until(lambda: pid not in [p for r in gate.roles().values()
                                     for _, p in r] and gate.healthy()),
         f"{role} is started again")
g.ok(g.until(lambda: gate.agent(path="/s/fs/mcp").call("echo").allowed),
     "then the server answers again")
g.ok(f"SECRET={VALUE}".encode() in environment_of_server(),
     "with its environment")
g.held_only_by(gate, VALUE.encode(), ["launch"], "a value of env, then")

# What a reload cannot change it does not seem to.
server["env"] = {"SECRET": OLD}
gate.write_config()
gate.process.send_signal(signal.SIGHUP)
g.ok(g.until(lambda: "that needs a restart" in gate.log()),
     "another environment needs a restart", gate.log()[-800:])
server["env"] = {"SECRET": VALUE}
gate.config["rules"] = [{"deny": {}}]
gate.write_config()
gate.process.send_signal(signal.SIGHUP)
g.ok(g.until(lambda: not gate.agent(path="/s/fs/mcp").call("echo").allowed),
     "the same does not")
gate.stop()

# gatehouse wrap: the client's whole environment is the server's.
home = g.directory("home")
p = g.start([g.BINARY, "wrap", "--", sys.executable,
             os.path.join(g.TOP, "t", "fakes.py"), "modern",
             os.path.join(d, "wrapped"), ""],
            env={"HOME": home, "PATH": "/usr/bin:/bin", "SECRET": VALUE},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)


class Wrapped:
    process = p
    roles = g.Gateway.roles


g.ok(g.until(lambda: "launch" in Wrapped().roles()), "wrap runs")
p.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":'
              b'{"protocolVersion":"2025-11-25","capabilities":{},'
              b'"clientInfo":{"name":"t","version":"1"}}}\n')
p.stdin.flush()
g.ok(b'"result"' in p.stdout.readline(), "and answers")
g.held_only_by(Wrapped(), VALUE.encode(), ["launch", "parent"],
               "the environment that wrap was given")
g.stop(p)
g.done()
