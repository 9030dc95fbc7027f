#!/usr/bin/env python3
"""The command line as a person meets it: completion in a real shell."""
import os
import subprocess

import gatetest as g

COMPLETE = """
source <("$0" completion bash)
COMP_WORDS=("$@") COMP_CWORD=$(( $# - 1 )) COMPREPLY=()
_gatehouse
printf '%s\\n' "${COMPREPLY[@]}"
"""

def completed(*words, cwd="/"):
    r = subprocess.run(["bash", "-c", COMPLETE, g.BINARY, "gatehouse", *words],
                       capture_output=True, text=True, cwd=cwd, check=False)
    g.ok(not r.stderr, f"completing {words} says nothing", r.stderr)
    return set(r.stdout.split())

d = g.directory("cli")
open(os.path.join(d, "gatehouse.yaml"), "w").close()
for words, want in [
        (["cl"], {"clients"}),
        (["clients", ""], {"status", "wrap", "unwrap"}),
        (["clients", "unwrap", "--f"], {"--file", "--force"}),
        (["clients", "status", "--f"], {"--file"}),
        (["check", ""], {"gatehouse.yaml"}),
        (["check", "-"], {"-c", "--json"}),
        (["config", "example", ""], {"gatehouse.yaml"}),
        (["completion", ""], {"bash", "zsh", "fish"}),
]:
    g.same(completed(*words, cwd=d), want, f"gatehouse {' '.join(words)}<TAB>")
g.done()
