# Gatehouse.  On a fresh Debian 12 two commands are all there is:
#   make demo    build, start before three real servers, show verdicts (STAY=1 leaves it up)
#   make check   build and run every test
# and for those who work on it:
#   make lint  make san  make fuzz T=30  make bench  make torture
#   make conform CORPORA=DIR   make install PREFIX=/usr/local
V       ?= dev
B       := build/$(V)
CC      ?= cc
T       ?= 30
PREFIX  ?= /usr/local
CORPORA ?= ../shared/corpora
LLHTTP  := /usr/share/llhttp
STD     := -std=c17 -D_GNU_SOURCE -Isrc
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wformat=2 -Wundef \
	   -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	   -Wcast-qual -Wwrite-strings -Wswitch-enum -Wconversion \
	   -Wimplicit-fallthrough -Wnull-dereference -Wdouble-promotion -Werror
HARD    := -O2 -g -fPIE -fno-common -fno-strict-aliasing -fno-strict-overflow \
	   -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
	   -fno-delete-null-pointer-checks -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
GCCONLY := -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr \
	   -Wduplicated-cond -Wlogical-op -Walloca
LINK    := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
LIBS    := -lssl -lcrypto -lfyaml -lz -lsqlite3 -lhs -lpthread

ifneq (,$(findstring clang,$(CC)))
GCCONLY :=
endif
ifeq ($(V),san)
HARD := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all
LINK := -fsanitize=address,undefined
endif
# What is shipped: one optimisation over all rooms (10 % less CPU per call).
AR := ar
ifeq ($(V),rel)
HARD += -flto=auto
AR := gcc-ar
endif
# The planted bug that torture must catch: calls leave before their record.
ifeq ($(V),plant)
HARD += -DFORWARD_FIRST=1
endif
# No walls, for one question only: what they cost (make bench).
ifeq ($(V),open)
HARD += -flto=auto -DJAIL_OPEN=1
AR := gcc-ar
endif
ifeq ($(V),fuzz)
CC   := clang
HARD := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
GCCONLY :=
LINK := -fsanitize=fuzzer,address,undefined
endif

ALL   := $(wildcard src/*/*.c)
TESTS := $(foreach f,$(ALL),$(if $(findstring /test-,$f),$f))
FUZZ  := $(foreach f,$(ALL),$(if $(findstring /fuzz-,$f),$f))
MAIN  := src/ctl/main.c
LIB   := $(filter-out $(TESTS) $(FUZZ) $(MAIN),$(ALL))
o      = $(patsubst src/%.c,$(B)/%.o,$(1))
x      = $(patsubst src/%.c,$(B)/%,$(1))
A     := $(B)/libhouse.a

ifeq ($(V),dev)
all:
	@$(MAKE) --no-print-directory V=rel all
else
all: $(B)/gatehouse
	@[ $(V) != rel ] || ln -sf rel/gatehouse build/gatehouse
endif
$(B)/gatehouse: $(call o,$(MAIN)) $(A)
	@echo "LD $@"
	@$(CC) $(HARD) $(LINK) -o $@ $^ $(LIBS)
$(A): $(call o,$(LIB)) $(B)/llhttp.o $(B)/llhttp-api.o $(B)/llhttp-http.o
	@rm -f $@
	@$(AR) rcs $@ $^
$(B)/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	@echo "CC $<"
	@$(CC) $(STD) $(WARN) $(HARD) $(GCCONLY) -I/usr/share/include/llhttp -MMD -MP -c -o $@ $<
$(B)/llhttp.o: $(LLHTTP)/llhttp.c
	@mkdir -p $(@D)
	$(CC) -O2 -fPIE -DLLHTTP_STRICT_MODE=1 -I/usr/share/include/llhttp -c -o $@ $<
$(B)/llhttp-%.o: $(LLHTTP)/%.c
	@mkdir -p $(@D)
	$(CC) -O2 -fPIE -DLLHTTP_STRICT_MODE=1 -I/usr/share/include/llhttp -c -o $@ $<
$(call x,$(TESTS) $(FUZZ)): $(B)/%: $(B)/%.o $(A)
	@echo "LD $@"
	@$(CC) $(HARD) $(LINK) -o $@ $^ $(LIBS)
unit: $(call x,$(TESTS))
	prove -Q --exec '' $(call x,$(TESTS))
# The fresh machine: installs what is lacking, says what it does.
need:
	@tool/need build lint
check:
	@tool/need build test
	$(MAKE) all unit protocol
san:
	$(MAKE) V=san unit
fuzz-build: $(call x,$(FUZZ))
fuzz:
	$(MAKE) V=fuzz fuzz-build
	for f in $(patsubst src/%.c,build/fuzz/%,$(FUZZ)); do \
	  d=$$(dirname src/$${f#build/fuzz/})/corpus; mkdir -p build/fuzz/new; \
	  echo "$$f"; $$f -max_total_time=$(T) -print_final_stats=1 -artifact_prefix=build/fuzz/ \
	    build/fuzz/new $$(test -d $$d && echo $$d) >build/fuzz/log 2>&1 || { tail -60 build/fuzz/log; exit 1; }; \
	  tail -4 build/fuzz/log; done
# Rooms, sizes, doors alone, the other compiler, format, two analysers.
TABLES := %/calls.h %/denied.h %/messages.h %/methods.h %/counters.h %/settings.h %/roles.h
lint: need
	tool/rooms
	prove -Q --exec '' tool/test-sizes
	tool/sizes
	@for h in $(filter-out $(TABLES),$(wildcard src/*/*.h)); do \
	  echo "#include \"$${h#src/}\"" | $(CC) $(STD) -Wall -Werror -fsyntax-only -x c - || exit 1; done
	$(CC) $(STD) $(WARN) -O2 -fsyntax-only doc/style.c
	$(MAKE) CC=clang V=clang all
	clang-format --dry-run -Werror $(ALL) $(filter-out $(TABLES),$(wildcard src/*/*.h)) doc/style.c
	printf '%s\n' $(LIB) $(MAIN) doc/style.c | xargs -P2 -n8 sh -c \
	  'clang-tidy --quiet "$$@" -- $(STD) -I/usr/share/include/llhttp 2>/dev/null' tidy
	cppcheck -q --std=c11 --enable=warning,portability --error-exitcode=1 --inline-suppr \
	  --library=tool/cppcheck.cfg -Isrc src
clean:
	rm -rf build
include t/t.mk bench/bench.mk packaging/install.mk packaging/lib.mk
-include $(patsubst %.o,%.d,$(call o,$(ALL)))
.PHONY: all unit check need install man san fuzz fuzz-build lint clean
.SECONDARY:
