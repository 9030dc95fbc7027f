# Benchmark tools; they are no part of the program.
BENCH := build/bench/upstream build/bench/load
build/bench/%: bench/%.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=c17 -D_GNU_SOURCE $(WARN) $(HARD) $(LINK) -o $@ $< -lpthread
# A ledger of any size, to measure what reads one
build/bench/write-ledger: bench/write-ledger.c $(A)
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(HARD) $(LINK) -o $@ $< $(A) $(LIBS)
# What one room costs, by itself: make bench-rooms
build/bench/bench-%: bench/bench-%.c bench/bench-in.h $(A)
	@mkdir -p $(@D)
	$(CC) $(STD) $(WARN) $(HARD) $(LINK) -o $@ $< $(A) $(LIBS)
# (bench-ledger asks for a question and a place: bench/run gives both)
ROOMS := $(filter-out %/bench-ledger,$(patsubst bench/%.c,build/bench/%,$(wildcard bench/bench-*.c)))
bench-rooms: $(ROOMS)
	@for b in $(ROOMS); do $$b || exit 1; done
# All that bench/run needs, so that it can run by itself.
bench-tools: all $(BENCH)
	@$(MAKE) --no-print-directory V=open build/open/gatehouse
	@$(MAKE) --no-print-directory V=rel build/bench/bench-cedar build/bench/bench-decide build/bench/bench-tlog build/bench/bench-schema build/bench/bench-ledger build/bench/write-ledger
bench: bench-tools
	@tool/need bench node
	bench/run $(if $(QUICK),--quick) $(if $(JSON),--json)
.PHONY: bench bench-tools bench-rooms
