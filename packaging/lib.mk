# libgatehouse-cedar: rooms base, json and cedar as a library of their own,
# static and shared.  Only the symbols of packaging/cedar.symbols are seen.
VERSION := $(shell sed -n 's/^.define GATEHOUSE_VERSION "\(.*\)"/\1/p' src/base/base.h)
LIBROOMS := base json cedar
LIBO    := $(patsubst src/%.c,$(B)/pic/%.o,$(filter-out $(TESTS) $(FUZZ),\
	   $(foreach r,$(LIBROOMS),$(wildcard src/$(r)/*.c))))
SONAME  := libgatehouse-cedar.so.$(firstword $(subst ., ,$(VERSION)))
SYMBOLS := packaging/cedar.symbols
LIBDIR  := $(DESTDIR)$(PREFIX)/lib
# Like all else that is shipped, but for any program: no -fPIE, no LTO objects.
LIBHARD := $(filter-out -fPIE -flto=auto,$(HARD)) -fPIC

ifeq ($(V),dev)
lib:
	@$(MAKE) --no-print-directory V=rel lib
else
lib: $(B)/libgatehouse-cedar.a $(B)/$(SONAME)
endif
$(B)/pic/%.o: src/%.c Makefile packaging/lib.mk
	@mkdir -p $(@D)
	@echo "CC $< (library)"
	@$(CC) $(STD) $(WARN) $(LIBHARD) $(GCCONLY) -MMD -MP -c -o $@ $<
$(B)/libgatehouse-cedar.a: $(LIBO) $(SYMBOLS)
	@echo "AR $@"
	@rm -f $@
	@ld -r -o $(B)/pic/all.o $(LIBO)
	@objcopy -w $(addprefix --keep-global-symbol=,$(shell cat $(SYMBOLS))) $(B)/pic/all.o
	@ar rcs $@ $(B)/pic/all.o
$(B)/cedar.map: $(SYMBOLS)
	@mkdir -p $(@D)
	@{ echo "GATEHOUSE_CEDAR_0 { global:"; sed 's/$$/;/' $<; echo "local: *; };"; } >$@
$(B)/$(SONAME): $(LIBO) $(B)/cedar.map
	@echo "LD $@"
	@$(CC) $(LIBHARD) $(filter-out -pie,$(LINK)) -shared -Wl,-soname,$(SONAME) \
	    -Wl,--version-script=$(B)/cedar.map -Wl,-z,defs -o $@ $(LIBO)

install-lib: lib
	install -d $(LIBDIR)/pkgconfig
	install -m 644 build/rel/libgatehouse-cedar.a $(LIBDIR)/
	install -m 755 build/rel/$(SONAME) $(LIBDIR)/libgatehouse-cedar.so.$(VERSION)
	ln -sf libgatehouse-cedar.so.$(VERSION) $(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(LIBDIR)/libgatehouse-cedar.so
	for h in base/base.h base/banned.h cedar/cedar.h cedar/values.h; do \
	  install -D -m 644 src/$$h $(DESTDIR)$(PREFIX)/include/gatehouse/$$h || exit 1; done
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' packaging/gatehouse-cedar.pc \
	    >$(LIBDIR)/pkgconfig/gatehouse-cedar.pc
	install -D -m 644 man/libgatehouse-cedar.3 $(DESTDIR)$(PREFIX)/share/man/man3/libgatehouse-cedar.3
	install -D -m 644 examples/cedar.c $(DESTDIR)$(PREFIX)/share/doc/gatehouse/examples/cedar.c
-include $(LIBO:.o=.d)
.PHONY: lib install-lib
