/*
 * roles: the role table.
 * JAIL(id, faces, may, may_not, owned, rights, files, user, nofile, nproc,
 * fsize): rights are rows of calls.h, or DENYLIST: everything but denied.h,
 * because the filter is inherited; nofile of who passes descriptors on also
 * bounds those that all processes of the user have under way (ETOOMANYREFS),
 * so it is not small where many gateways start at once; files is what Landlock leaves; user OWN is
 * "gatehouse" when the program was started as root.
 */
JAIL(PARENT, "nothing",
    "bind, open the next ledger segment, remove what log.retention ended, start "
    "and stop roles",
    "read a byte from the network or from a peer that reads one",
    "never fed hostile bytes", 0, FILES_ALL, KEEP, 0, 0, 0)
JAIL(LOAD, "local files",
    "read configuration, certificates and ledger segments, sync these; compile "
    "the image; exit",
    "write a file, network, exec",
    "wrong images: each carries the digest of its sources",
    R_BASE | R_DUP | R_SYNC | R_READ | R_IMAGE, FILES_READ, KEEP, 65536, 0, 1U << 28)
JAIL(FRONT, "agents' bytes", "use the sockets handed to it",
    "open, connect, exec, see a secret or a key",
    "lies about its agents' calls; cannot send, decide or edit the ledger",
    R_BASE | R_SOCK | R_ACCEPT, FILES_NONE, OWN, 65536, 0, 0)
JAIL(JUDGE, "typed messages",
    "talk to ledger, keys, fronts and backs; append to the segment handed to "
    "it",
    "open, seek, truncate, network, exec",
    "decides wrongly, adds lines, cannot change old ones: so it is small and "
    "pure",
    R_BASE, FILES_NONE, OWN, 4096, 0, 1U << 30)
JAIL(BACK, "one upstream's bytes", "talk to that upstream",
    "open, connect, exec; another upstream or its credential",
    "betrays that upstream to itself", R_BASE | R_SOCK, FILES_NONE,
    OWN, 8192, 0, 0)
JAIL(LEDGER, "its judge's numbers", "sync the segments handed to it",
    "open, seek, truncate, network, exec",
    "calls durable what is not, adds garbage, cannot change old lines",
    R_BASE | R_SYNC, FILES_NONE, OWN, 256, 0, 1U << 30)
JAIL(DIAL, "answers of name servers",
    "resolve and connect to configured upstreams, pass the socket on",
    "exec, write or read files but the resolver's, read what flows",
    "connects elsewhere, says nothing there",
    R_BASE | R_DUP | R_SOCK | R_DIAL | R_READ, FILES_NAMES, OWN, 65536, 0, 0)
JAIL(KEYS, "typed requests",
    "sign what it assembles itself; hand a credential to its back",
    "network, files, exec", "worst loss: so the least code",
    R_BASE | R_LOCK, FILES_NONE, OWN, 8192, 0, 0)
JAIL(LAUNCH, "typed messages",
    "ask the hand for a back's own tool servers, pass their pipes on",
    "open, connect, exec, fork, kill; see a server's environment",
    "starts configured servers, in their sandbox", R_BASE | R_DUP, FILES_NONE, OWN,
    8192, 0, 0)
JAIL(DESK, "people and other enforcement points",
    "show counters and states; pass on control words; ask judges what would be "
    "decided",
    "open, connect, exec, send calls, decide, touch keys",
    "shows lies, tells enforcement points lies, stops the house",
    R_BASE | R_SOCK | R_ACCEPT, FILES_NONE, OWN, 1024, 0, 0)
JAIL(BUDGET, "judges' typed messages",
    "keep the totals that span cells: append them to the segment handed to it, "
    "sync it",
    "open, seek, truncate, network, exec",
    "miscounts: leases and totals are records", R_BASE | R_SYNC, FILES_NONE,
    OWN, 256, 0, 1U << 30)
JAIL(TILES, "ledger segments, content from judges",
    "read segments; write the log of tiles; ask keys to sign; seal and erase in "
    "the side store",
    "network, exec; write a segment, or anything outside the directories of the "
    "log, of the side store and of log.publish",
    "withholds or garbles the log of tiles, reads and withholds what is kept of "
    "content: fsck, every proof and every commitment show what is not so",
    R_BASE | R_SYNC | R_READ | R_STORE, FILES_LOG, KEEP, 256, 0, 1U << 28)
JAIL(FETCH, "answers of witnesses and of where checkpoints are published",
    "talk over the sockets that dial hands it; say what was answered",
    "open, connect, exec; sign, write a file, read a record",
    "says that nobody answered: cosignatures are checked by tiles", R_BASE | R_SOCK,
    FILES_NONE, OWN, 256, 0, 0)
JAIL(WITNESS, "requests of other gateways' and other people's logs",
    "read them, ask cosign, answer", "open, connect, exec; see the witness's key",
    "answers nobody, or with rubbish; cosign judges for itself",
    R_BASE | R_SOCK | R_ACCEPT, FILES_NONE, OWN, 1024, 0, 0)
JAIL(COSIGN, "numbers, hashes and signatures from role witness",
    "keep what it cosigned last of each log in its own directory; sign only what "
    "grows from there",
    "network, exec; any file elsewhere",
    "cosigns what it should not: the worst that a witness can do",
    R_BASE | R_SYNC | R_READ | R_STORE, FILES_OWN, KEEP, 256, 0, 1U << 20)
JAIL(HAND, "numbers from launch",
    "start, end and reap the configured tool servers in the sandbox",
    "trace, load code into the kernel, calls newer than this program",
    "starts programs as its user", R_DENYLIST, FILES_ALL, OWN, 8192, NOLIMIT,
    NOLIMIT)
