# Manual pages from the tables, and what an installation consists of.
DEST = $(DESTDIR)$(PREFIX)
man: all
	build/gatehouse man man
	@! command -v mandoc >/dev/null || mandoc -Tlint -Wwarning man/*.[135]
install: all install-lib
	install -D -m 755 build/gatehouse $(DEST)/bin/gatehouse
	install -D -m 644 man/gatehouse.1 $(DEST)/share/man/man1/gatehouse.1
	install -D -m 644 man/gatehouse.yaml.5 $(DEST)/share/man/man5/gatehouse.yaml.5
	install -D -m 644 gatehouse.yaml $(DEST)/share/doc/gatehouse/gatehouse.yaml
	install -d $(DEST)/share/gatehouse/policies
	install -m 644 policies/*.cedar policies/*.yaml \
	    $(DEST)/share/gatehouse/policies
	install -d $(DEST)/share/gatehouse/policies/incidents
	install -m 644 policies/incidents/* \
	    $(DEST)/share/gatehouse/policies/incidents
	install -d $(DEST)/share/gatehouse/rules
	install -m 644 rules/*.yaml $(DEST)/share/gatehouse/rules
	install -d $(DEST)/share/bash-completion/completions \
	    $(DEST)/share/zsh/site-functions \
	    $(DEST)/share/fish/vendor_completions.d $(DEST)/lib/systemd/system
	build/gatehouse completion bash >$(DEST)/share/bash-completion/completions/gatehouse
	build/gatehouse completion zsh >$(DEST)/share/zsh/site-functions/_gatehouse
	build/gatehouse completion fish >$(DEST)/share/fish/vendor_completions.d/gatehouse.fish
	install -D -m 644 packaging/sysusers.conf $(DEST)/lib/sysusers.d/gatehouse.conf
	sed 's|/usr/bin/|$(PREFIX)/bin/|' packaging/gatehouse.service \
	    >$(DEST)/lib/systemd/system/gatehouse.service
.PHONY: man install
