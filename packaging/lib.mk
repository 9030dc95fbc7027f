# libgatehouse-cedar: rooms base, json and cedar as a library of their own,
# static and shared, with one header.  What the header declares is all that is
# seen, and all of it begins with cedar_, so nothing clashes with a program's own.
VERSION := $(shell sed -n 's/^.define GATEHOUSE_VERSION "\(.*\)"/\1/p' src/base/base.h)
LIBROOMS := base json cedar
LIBO    := $(patsubst src/%.c,$(B)/pic/%.o,$(filter-out $(TESTS) $(FUZZ),\
	   $(foreach r,$(LIBROOMS),$(wildcard src/$(r)/*.c))))
SONAME  := libgatehouse-cedar.so.$(firstword $(subst ., ,$(VERSION)))
DOORS   := src/base/base.h $(addprefix src/cedar/,values.h mcp.h cedar.h)
NAMES   := packaging/cedar.names
LIBDIR  := $(DESTDIR)$(PREFIX)/lib
# Like all else that is shipped, but for any program: no -fPIE, no LTO objects.
LIBHARD := $(filter-out -fPIE -flto=auto,$(HARD)) -fPIC

ifeq ($(V),dev)
lib:
	@$(MAKE) --no-print-directory V=rel lib
else
lib: $(B)/libgatehouse-cedar.a $(B)/$(SONAME) $(B)/cedar.h
endif
$(B)/pic/%.o: src/%.c Makefile packaging/lib.mk
	@mkdir -p $(@D)
	@echo "CC $< (library)"
	@$(CC) $(STD) $(WARN) $(LIBHARD) $(GCCONLY) -MMD -MP -c -o $@ $<
$(B)/cedar.h: packaging/cedar-header $(NAMES) $(DOORS)
	@mkdir -p $(@D)
	@packaging/cedar-header >$@
$(B)/pic/all.o: $(LIBO) $(B)/cedar.h $(NAMES)
	@ld -r -o $@ $(LIBO)
	@sed -n '/^[a-z_]*	[a-z_]*$$/p' $(NAMES) >$(B)/cedar.renamed
	@grep -o '\<cedar_[a-z0-9_]*(' $(B)/cedar.h | tr -d '(' >$(B)/cedar.kept
	@objcopy --redefine-syms=$(B)/cedar.renamed --keep-global-symbols=$(B)/cedar.kept $@
$(B)/libgatehouse-cedar.a: $(B)/pic/all.o
	@echo "AR $@"
	@rm -f $@
	@ar rcs $@ $<
$(B)/$(SONAME): $(B)/pic/all.o
	@echo "LD $@"
	@echo 'cedar_0 { global: cedar_*; local: *; };' >$(B)/cedar.map
	@$(CC) $(LIBHARD) $(filter-out -pie,$(LINK)) -shared -Wl,-soname,$(SONAME) \
	    -Wl,--version-script=$(B)/cedar.map -Wl,-z,defs -o $@ $<

install-lib: lib
	install -d $(LIBDIR)/pkgconfig
	install -m 644 build/rel/libgatehouse-cedar.a $(LIBDIR)/
	install -m 755 build/rel/$(SONAME) $(LIBDIR)/libgatehouse-cedar.so.$(VERSION)
	ln -sf libgatehouse-cedar.so.$(VERSION) $(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(LIBDIR)/libgatehouse-cedar.so
	install -D -m 644 build/rel/cedar.h $(DESTDIR)$(PREFIX)/include/gatehouse/cedar.h
	sed 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' packaging/gatehouse-cedar.pc \
	    >$(LIBDIR)/pkgconfig/gatehouse-cedar.pc
	install -D -m 644 man/libgatehouse-cedar.3 $(DESTDIR)$(PREFIX)/share/man/man3/libgatehouse-cedar.3
	install -D -m 644 examples/cedar.c $(DESTDIR)$(PREFIX)/share/doc/gatehouse/examples/cedar.c
-include $(LIBO:.o=.d)
.PHONY: lib install-lib
