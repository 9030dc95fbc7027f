# Benchmark tools; they are no part of the program.
BENCH := build/bench/upstream build/bench/load
build/bench/%: bench/%.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=c17 -D_GNU_SOURCE $(WARN) $(HARD) $(LINK) -o $@ $< -lpthread
bench-tools: $(BENCH)
bench: all $(BENCH)
	@tool/need bench node
	bench/run $(if $(QUICK),--quick) $(if $(JSON),--json)
.PHONY: bench bench-tools
