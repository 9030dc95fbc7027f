# Protocol tests, conformance, demo and torture.  See t/README.md.
PROTOCOL := $(sort $(wildcard t/test-*.py))
N        ?= 200
IMAGES   ?= 1000000
# Does something to a role at a system call of its.
build/t/%: t/%.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=c17 -D_GNU_SOURCE $(WARN) $(HARD) $(LINK) -o $@ $<
protocol: all lib build/t/inject
	@tool/need build test
	@$(MAKE) --no-print-directory V=rel build/bench/bench-ledger
	prove -Q --timer -j2 --exec python3 $(PROTOCOL)
conform: all
	@tool/need build node browser pypi
	t/test-verify-page.py
	t/conform-cedar $(CORPORA)
	t/cedar-fuzz 2000
	t/conform-schema.py --corpora $(CORPORA)
	t/conform-authzen.py --corpora $(CORPORA)
	t/conform-tlog.py --corpora $(CORPORA)
	t/conform-evidence.py --corpora $(CORPORA)
	t/conform-export.py --corpora $(CORPORA)
	@$(MAKE) --no-print-directory V=rel build/bench/bench-tlog
	t/conform-go.py
	t/conform-witness.py
	t/conform-jsonschema $(CORPORA)
	t/conform.py --corpora $(CORPORA)
# What inspection finds, by source; doc/detection.md says what that means.
detect-report: all
	t/detect-report $(CORPORA)
conform-direct:
	@tool/need node
	t/conform.py --direct
demo:
	@tool/need build node
	$(MAKE) all
	t/demo $(if $(STAY),--stay)
torture: all build/t/inject
	t/cedar-fuzz 100000
	t/torture.py --times $(N)
	t/test-inject.py --all --seed 1 --resume build/t/injected
	$(MAKE) V=plant build/plant/gatehouse
	GATEHOUSE=build/plant/gatehouse t/torture.py --times 20 --expect-loss
	$(MAKE) V=rel build/rel/json/test-es6 build/rel/ledger/test-crash build/rel/role/test-tiles-crash
	SEED=$$$$ IMAGES=$(IMAGES) build/rel/ledger/test-crash
	SEED=$$$$ IMAGES=$(IMAGES) build/rel/role/test-tiles-crash
	ES6_LINES=10000000 build/rel/json/test-es6
.PHONY: protocol conform detect-report conform-direct demo torture
