/* counters: every counter /metrics shows: id, exported name, help. */
COUNTER(CALLS, "gatehouse_calls_total", "requests that reached a judge")
COUNTER(ALLOWED, "gatehouse_allowed_total", "requests that policy allowed")
COUNTER(DENIED, "gatehouse_denied_total", "requests that were refused")
COUNTER(RECORDS, "gatehouse_records_total", "records written to the ledger")
COUNTER(SYNCS, "gatehouse_syncs_total", "fdatasync calls of the ledger")
COUNTER(LEDGER_BROKEN, "gatehouse_ledger_broken",
    "ledgers that stopped recording because their disk failed")
COUNTER(BAD_INPUT, "gatehouse_bad_input_total",
    "agent messages refused as malformed")
COUNTER(UPSTREAM_FAIL, "gatehouse_upstream_failures_total",
    "upstream calls without an answer")
COUNTER(CONNS, "gatehouse_connections_total", "agent connections accepted")
COUNTER(SESSIONS, "gatehouse_sessions_total", "legacy sessions opened")
COUNTER(RESTARTS, "gatehouse_role_restarts_total",
    "roles that died and were started again")
COUNTER(LINES_LOST, "gatehouse_log_lines_lost_total",
    "lines of the operational log that nobody took")
COUNTER(EVALUATIONS_ALLOWED, "gatehouse_evaluations_allowed_total",
    "evaluations for other enforcement points that policy allowed")
COUNTER(EVALUATIONS_DENIED, "gatehouse_evaluations_denied_total",
    "evaluations for other enforcement points that were denied or held")
COUNTER(EVALUATIONS_REFUSED, "gatehouse_evaluations_refused_total",
    "requests for evaluations that were refused: who, what or how often")
COUNTER(BUDGET_CHARGES, "gatehouse_budget_charges_total",
    "reservations that role budget granted")
COUNTER(BUDGET_REFUSED, "gatehouse_budget_refused_total",
    "reservations that did not fit")
COUNTER(BUDGET_RELEASED, "gatehouse_budget_released_total",
    "reservations taken back: their calls did not happen")
COUNTER(BUDGET_LEASES, "gatehouse_budget_leases_total",
    "times that a cell took calls ahead")
COUNTER(BUDGET_LATE, "gatehouse_budget_late_total",
    "calls refused because their budgets were not answered for in time")
COUNTER(LOG_ENTRIES, "gatehouse_log_entries", "records in the tree of the log")
COUNTER(LOG_SIGNED, "gatehouse_log_signed_entries",
    "records under the newest checkpoint that was signed")
COUNTER(LOG_COUNTS, "gatehouse_log_published_entries",
    "records under the newest checkpoint that counts: its quorum cosigned it")
COUNTER(LOG_WAITS, "gatehouse_log_quorum_missing",
    "1 while the newest checkpoint lacks the quorum of witnesses")
COUNTER(COSIGNATURES, "gatehouse_log_cosignatures_total",
    "good cosignatures that witnesses gave")
COUNTER(WITNESS_FAIL, "gatehouse_log_witness_failures_total",
    "requests to witnesses without a good cosignature")
COUNTER(PUBLISHED, "gatehouse_log_publications_total",
    "checkpoints put where log.publish says")
COUNTER(PUBLISH_FAIL, "gatehouse_log_publication_failures_total",
    "checkpoints that could not be put there")
COUNTER(COSIGNED, "gatehouse_witness_cosigned_total",
    "checkpoints of other logs that were cosigned")
COUNTER(COSIGN_REFUSED, "gatehouse_witness_refused_total",
    "requests of other logs that were refused")
COUNTER(BUDGET_OVERRUN, "gatehouse_budget_overruns_total",
    "charges on record that their limit did not allow: a control failed")
