/*
 * messages: the table of kinds.
 * MESSAGE(id, from, to, must, may, help): from/to are role bit masks, must and
 * may are field bit masks; a field in neither is refused.  ipc.c defines
 * B(field), R(role) and R_ALL (every role but the parent) and
 * FDS(n), the most descriptors it may carry, before it includes it.
 */
/* ---- parent and everyone: boot and life ---- */
MESSAGE(IMAGE, R(PARENT) | R(LOAD), R_ALL | R(PARENT), 0,
    B(TEXT) | B(STATUS) | B(BYTES) | FDS(2),
    "a compiled image (fd); to parent: the result of load (a second fd: what "
    "launch alone gets); BYTES is its sources' digest")
MESSAGE(LINK, R(PARENT), R_ALL, B(PEER), B(FLAGS) | FDS(4),
    "a channel to PEER (fds)")
MESSAGE(LISTEN, R(PARENT), R_ALL, 0, B(NAME) | B(FLAGS) | FDS(3),
    "a listening socket, stdin and stdout (MF_STDIO), or counter pages (fds)")
MESSAGE(SEGMENT, R(PARENT), R(JUDGE) | R(LEDGER) | R(BUDGET), B(NAME),
    B(SEQ) | B(FLAGS) | FDS(1),
    "the next segment, to append to (judge, budget) and to sync (ledger) (fd); "
    "MF_RESUME: an earlier one of budget, to read")
MESSAGE(SECRET, R(PARENT), R(KEYS) | R(COSIGN), B(NAME) | B(BYTES), 0,
    "a key or credential, once, at start")
MESSAGE(GO, R(PARENT), R_ALL, 0, B(FLAGS), "boot is over: confine and serve")
MESSAGE(READY, R_ALL, R(PARENT), 0, B(TEXT), "confined and serving")
MESSAGE(STOP, R(PARENT), R_ALL, 0, B(FLAGS) | B(TEXT),
    "end; MF_DRAIN: finish what runs first; TEXT: why")
MESSAGE(FULL, R(JUDGE) | R(LEDGER) | R(BUDGET), R(PARENT), 0, B(SEQ) | B(STATUS),
    "this segment is nearly full; the next please; STATUS: it cannot be "
    "written or synced, start the cell again where there is room")
MESSAGE(SYNCED, R(LEDGER) | R(BUDGET), R(PARENT), B(SEQ), 0,
    "every segment before this one is on the disk; of budget: is not needed "
    "any more")
MESSAGE(COMMAND, R(DESK), R(PARENT), B(NAME), B(REF),
    "a local control word: status, reload, stop")
MESSAGE(STATUS, R(PARENT), R(DESK), B(TEXT), B(REF), "the answer")
MESSAGE(HAPPENED, R(PARENT), R(JUDGE), B(REF) | B(REC), 0,
    "the parent saw this: record it; a number of its own")
MESSAGE(NOTED, R(JUDGE), R(PARENT), B(REF), 0,
    "that is written, and what was said before it")
/* ---- agent side ---- */
MESSAGE(REQUEST, R(FRONT), R(JUDGE), B(REF) | B(WHERE) | B(ERA) | B(METHOD),
    B(NAME) | B(FLAGS) | B(CRED) | B(SESSION) | B(VERSION) | B(ID) | B(PARAMS) |
	B(CAPS) | B(INFO) | B(HEADS) | B(EVENT) | B(TEXT) | B(TOKEN),
    "a request; NAME is the method's text; TEXT the modern log level")
MESSAGE(NOTICE, R(FRONT), R(JUDGE), B(WHERE) | B(ERA) | B(METHOD),
    B(REF) | B(NAME) | B(FLAGS) | B(CRED) | B(SESSION) | B(VERSION) | B(PARAMS),
    "a notification; answered ACCEPTED when REF is there")
MESSAGE(REPLY, R(FRONT), R(JUDGE), B(WHERE) | B(ERA) | B(ID),
    B(REF) | B(FLAGS) | B(CRED) | B(SESSION) | B(VERSION) | B(RESULT) |
	B(ERROR),
    "an agent's answer to a server request")
MESSAGE(STREAM, R(FRONT), R(JUDGE), B(REF) | B(WHERE),
    B(FLAGS) | B(CRED) | B(SESSION) | B(VERSION) | B(EVENT),
    "legacy GET: the session's own stream; EVENT is Last-Event-ID")
MESSAGE(CLOSE, R(FRONT), R(JUDGE), B(REF) | B(WHERE),
    B(FLAGS) | B(CRED) | B(SESSION) | B(VERSION),
    "legacy DELETE, or end of a stdio agent")
MESSAGE(GONE, R(FRONT), R(JUDGE), B(REF), 0,
    "the agent's connection of REF is closed")
MESSAGE(REFUSED, R(FRONT), R(JUDGE), B(WHERE) | B(STATUS) | B(TEXT),
    B(CRED) | B(CODE) | B(FLAGS),
    "a malformed message was refused by the front: record it")
MESSAGE(ANSWER, R(JUDGE), R(FRONT), B(REF),
    B(FLAGS) | B(STATUS) | B(SESSION) | B(RESULT) | B(ERROR) | B(EVENT) |
	B(METHOD) | B(TIME) | B(ID),
    "the answer of REF; STATUS when not 200; ID where a session may resume, "
    "for "
    "then REF is of a stream that never saw it")
MESSAGE(EVENT, R(JUDGE), R(FRONT), B(REF) | B(NAME),
    B(FLAGS) | B(PARAMS) | B(ID) | B(EVENT),
    "a notification, or with MF_REQUEST a server request, on REF's stream")
MESSAGE(ACCEPTED, R(JUDGE), R(FRONT), B(REF),
    B(STATUS) | B(FLAGS) | B(EVENT) | B(TIME),
    "202 for a POST; for STREAM: the stream is open; else EVENT and TIME begin "
    "the answer's stream, MF_STREAM: at once")
MESSAGE(END, R(JUDGE), R(FRONT), B(REF), B(TIME),
    "close REF's stream; TIME: retry milliseconds")
/* ---- other enforcement points ---- */
MESSAGE(ASK, R(DESK), R(JUDGE), B(REF) | B(CRED) | B(PARAMS), B(FLAGS) | B(TEXT),
    "an AuthZEN request, MF_MANY: for evaluations; CRED: whose; TEXT: its "
    "X-Request-ID")
MESSAGE(TOLD, R(JUDGE), R(DESK), B(REF), B(STATUS) | B(TEXT) | B(RESULT),
    "what is decided, recorded; or STATUS: why nothing is")
/* ---- tool side ---- */
MESSAGE(HOP_OPEN, R(JUDGE), R(BACK), B(HOP) | B(WHERE),
    B(CAPS) | B(INFO) | B(VERSION) | B(FLAGS) | B(NAME),
    "open an upstream session for HOP, with these client capabilities; NAME: "
    "the principal")
MESSAGE(HOP_OPENED, R(BACK), R(JUDGE), B(HOP) | B(STATUS),
    B(ERA) | B(VERSION) | B(CAPS) | B(INFO) | B(TEXT),
    "STATUS 0: open; TEXT: instructions, or why it failed")
MESSAGE(HOP_CLOSE, R(JUDGE), R(BACK), B(HOP), 0,
    "end that upstream session and its child")
MESSAGE(HOP_LOST, R(BACK), R(JUDGE), B(HOP), B(TEXT),
    "it ended by itself; its calls have no answer")
MESSAGE(UP_CALL, R(JUDGE), R(BACK), B(CALL) | B(HOP) | B(METHOD),
    B(NAME) | B(PARAMS) | B(FLAGS) | B(TIME) | B(CAPS) | B(INFO) | B(TEXT) |
	B(HEADS),
    "a judged request; TIME: what is left until it must answer or progress; "
    "CAPS, INFO, TEXT (log level) for modern upstreams; "
    "HEADS: {Name: value} of each Mcp-Param-Name to send")
MESSAGE(UP_NOTICE, R(JUDGE), R(BACK), B(HOP) | B(METHOD), B(NAME) | B(PARAMS),
    "a judged notification")
MESSAGE(UP_REPLY, R(JUDGE), R(BACK), B(HOP) | B(ID), B(RESULT) | B(ERROR),
    "the agent's answer to an upstream's request")
MESSAGE(UP_CANCEL, R(JUDGE), R(BACK), B(CALL), B(TEXT),
    "cancel in the upstream's way; its late answer is dropped")
MESSAGE(UP_ANSWER, R(BACK), R(JUDGE), B(CALL),
    B(RESULT) | B(ERROR) | B(STATUS) | B(TEXT) | B(BYTES),
    "the answer; STATUS: the upstream failed (502, 504), TEXT why; BYTES: what "
    "each tool of a list asks of its arguments, compiled")
MESSAGE(UP_EVENT, R(BACK), R(JUDGE), B(HOP) | B(NAME),
    B(CALL) | B(PARAMS) | B(ID) | B(FLAGS) | B(TIME),
    "a notification or (MF_REQUEST) request of the upstream, of CALL if it is "
    "about one; MF_STREAM: its answer is a resumable stream, with MF_FINAL "
    "closed "
    "for now; TIME: retry milliseconds")
/* ---- ledger ---- */
MESSAGE(RECORD, R(JUDGE), R(JUDGE), B(SEQ) | B(REC),
    B(FLAGS) | B(RESULT) | B(BYTES) | B(NAME) | B(TIME),
    "append; RESULT is digested, not kept; BYTES is for the side store, about "
    "the subject NAME, until TIME; the line's word to its own process")
MESSAGE(SYNC, R(JUDGE), R(LEDGER), B(SEQ) | B(REF), B(FLAGS) | B(WHERE),
    "records up to SEQ are written, the last in segment REF, before its byte "
    "WHERE: sync; MF_STRICT: now, calls wait")
MESSAGE(RECORDED, R(LEDGER), R(JUDGE), B(SEQ), B(STATUS) | B(FLAGS),
    "every record up to SEQ is written (MF_STRICT: durable); STATUS: it cannot "
    "be")
/* ---- side store ---- */
MESSAGE(CONTENT, R(JUDGE), R(TILES), B(SEQ) | B(BYTES), 0,
    "what is to be kept of some records, batch SEQ: entries, each with its "
    "record, subject and end")
MESSAGE(KEPT, R(TILES), R(JUDGE), B(SEQ), B(STATUS),
    "batches up to SEQ are on the disk; STATUS: they are not, and will not be")
MESSAGE(ERASE, R(TILES), R(JUDGE), B(REF) | B(REC), 0,
    "this was erased: record it")
MESSAGE(ERASED, R(JUDGE), R(TILES), B(REF), B(SEQ) | B(STATUS),
    "its record is durable; STATUS: it could not be recorded")
MESSAGE(PRUNE, R(TILES), R(JUDGE) | R(PARENT), B(REF) | B(REC), 0,
    "what log.retention ended: record it (answer: ERASED); to parent: it is on "
    "record, and segments of before may go")
/* ---- budget ---- */
MESSAGE(RESERVE, R(JUDGE), R(BUDGET), B(CALL) | B(REC), 0,
    "charge all of these or none: [{\"amount\",\"budget\",\"items\",\"key\","
    "\"lease\"}]")
MESSAGE(RESERVED, R(BUDGET), R(JUDGE), B(CALL), B(STATUS) | B(SEQ) | B(REC),
    "the answer, durable: SEQ names the reservation; REC, in the order of the "
    "question: [{\"ahead\",\"left\",\"ms\",\"used\"}], or with STATUS the one "
    "that does not fit")
MESSAGE(SETTLE, R(JUDGE), R(BUDGET), B(SEQ), B(FLAGS),
    "the call of this reservation has left; MF_UNDO: it is known not to have "
    "happened")
/* ---- keys ---- */
MESSAGE(SEAL, R(JUDGE), R(KEYS), B(CALL) | B(BYTES), B(TIME),
    "seal this state; TIME: nanoseconds until it expires")
MESSAGE(
    SEALED, R(KEYS), R(JUDGE), B(CALL), B(TEXT) | B(STATUS), "the sealed text")
MESSAGE(UNSEAL, R(JUDGE), R(KEYS), B(CALL) | B(TEXT), 0, "open a sealed text")
MESSAGE(UNSEALED, R(KEYS), R(JUDGE), B(CALL), B(BYTES) | B(STATUS),
    "the state, or STATUS non-zero: refused")
MESSAGE(SIGN, R(FRONT) | R(BACK), R(KEYS), B(REF) | B(BYTES) | B(FLAGS), B(NAME),
    "TLS 1.3 CertificateVerify: BYTES is the transcript hash, FLAGS the "
    "signature scheme")
MESSAGE(
    SIGNED, R(KEYS), R(FRONT) | R(BACK), B(REF), B(BYTES) | B(STATUS), "the signature")
MESSAGE(
    WANT_CRED, R(BACK), R(KEYS), B(WHERE), 0, "this back's upstream credential")
MESSAGE(CRED, R(KEYS), R(BACK), B(WHERE), B(BYTES) | B(STATUS),
    "it; kept in the back of that upstream only")
MESSAGE(CHECKPOINT, R(TILES), R(KEYS), B(SEQ) | B(BYTES), 0,
    "the log has SEQ entries and this root: sign a checkpoint of it")
MESSAGE(CHECKPOINTED, R(KEYS), R(TILES), B(SEQ), B(TEXT) | B(STATUS),
    "the signed note, or STATUS non-zero: it goes back behind one before")
/* ---- witnesses of ours, places to publish in ---- */
MESSAGE(POST, R(TILES), R(FETCH), B(WHERE) | B(REF) | B(TEXT), 0,
    "send this to remote WHERE of the image's log: to a witness a checkpoint "
    "with its proof, elsewhere a checkpoint")
MESSAGE(POSTED, R(FETCH), R(TILES), B(WHERE) | B(REF) | B(STATUS),
    B(SEQ) | B(BYTES) | B(TEXT),
    "the answer's HTTP status, 0: there was none, TEXT why; of a witness BYTES "
    "is its cosignature, SEQ with 409 the size that it wants to hear of")
/* ---- a witness for others ---- */
MESSAGE(COSIGN, R(WITNESS), R(COSIGN), B(REF) | B(NAME) | B(WHERE) | B(SEQ) | B(BYTES),
    B(TEXT),
    "cosign: the log NAME has grown from WHERE to SEQ entries; BYTES holds root, "
    "proof and signatures (role/growth.h), TEXT the extension lines")
MESSAGE(LATEST, R(WITNESS), R(COSIGN), B(REF) | B(BYTES), 0,
    "what was cosigned last of the log whose name has this SHA-256")
MESSAGE(COSIGNED, R(COSIGN), R(WITNESS), B(REF) | B(STATUS), B(TEXT) | B(SEQ),
    "the HTTP status to answer; TEXT the lines or the note; SEQ with 409 the "
    "size cosigned last")
/* ---- dial and launch ---- */
MESSAGE(DIAL, R(BACK) | R(FETCH), R(DIAL), B(REF) | B(WHERE), 0,
    "a connection to upstream WHERE, please; of fetch: to remote WHERE")
MESSAGE(DIALED, R(DIAL), R(BACK) | R(FETCH), B(REF), B(STATUS) | B(TEXT) | FDS(1),
    "the connected socket (fd), or why not")
MESSAGE(LAUNCH, R(BACK), R(LAUNCH), B(REF) | B(WHERE), 0,
    "a fresh tool server of upstream WHERE")
MESSAGE(LAUNCHED, R(LAUNCH), R(BACK), B(REF), B(STATUS) | B(TEXT) | FDS(3),
    "its stdin, stdout, stderr (fds), or why not")
MESSAGE(LAUNCH_END, R(BACK), R(LAUNCH), B(REF), 0,
    "end it: EOF came first, then TERM, then KILL, on the group")
MESSAGE(
    LAUNCH_GONE, R(LAUNCH), R(BACK), B(REF), B(STATUS) | B(TEXT), "it exited")
