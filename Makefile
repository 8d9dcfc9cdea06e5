# mxreplay: `make help` tells what can be made.
PREFIX  ?= /usr/local
VERSION := 0.1.0
SECONDS ?= 60
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += --no-print-directory --jobs=$(JOBS)
endif
Q = $(if $(V),,@echo '  $@';) # make V=1 shows the whole commands

PKGS    := sqlite3 libarchive zlib yaml-0.1 libpsl libpcap nettle libsystemd libcap-ng libseccomp libcares libmaxminddb libRmath
ROOMS   := base collect collect/dialect collect/capture schemas enrich analyze analyze/measure config report cli
WARN    := -Wall -Wextra -Wpedantic -Wno-overlength-strings -Wshadow -Wconversion -Wstrict-prototypes -Werror
STD     := -std=c17 -I. -Ibuild/embed -DMXREPLAY_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LIBS    := $(shell pkg-config --libs $(PKGS) ncursesw 2>/dev/null) -lspf2 -lpthread -lm
HARDEN  := -D_FORTIFY_SOURCE=3 -fPIE -fstack-protector-strong -fstack-clash-protection
ASAN    := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

# A build is a folder, its compiler, its flags and its linker flags.
plain_CC     := $(if $(filter default,$(origin CC)),gcc,$(CC))
plain_CFLAGS := -O2 -g $(HARDEN)
plain_LDFLAGS := -pie -Wl,-z,relro,-z,now
asan_CC      := $(plain_CC)
asan_CFLAGS  := -O1 -g $(ASAN)
asan_LDFLAGS := $(ASAN)
fuzz_CC      := clang
fuzz_CFLAGS  := $(asan_CFLAGS) -fsanitize=fuzzer-no-link
fuzz_LDFLAGS := $(ASAN) -fsanitize=fuzzer

# T=name picks one test: tests/collect/test_name.c, tests/cli/name.sh, tests/samples/test_name.py, tests/fuzz/fuzz_name.c.
pick     = $(foreach file,$(1),$(if $(filter $(or $(T),%),$(patsubst test_%,%,$(patsubst fuzz_%,%,$(basename $(notdir $(file)))))),$(file)))
SOURCES := $(foreach room,$(ROOMS),$(wildcard $(room)/*.c))
EMBED   := $(patsubst %,build/embed/%.inc,$(wildcard schemas/*.sql schemas/migrations/*.sql schemas/lists/*.asns schemas/lists/*.spf-domains policies/*.yaml doc/*.txt report/page.css report/page.js report/templates/*.gnuplot))
TESTS   := $(call pick,$(wildcard tests/*/test_*.c))
SCRIPTS := $(call pick,$(filter-out tests/lib/%,$(wildcard tests/*/*.sh tests/*/test_*.py)))
FUZZERS := $(call pick,$(wildcard tests/fuzz/fuzz_*.c))
MANUAL  := $(patsubst doc/%.txt,build/doc/mxreplay-%.1,$(filter-out doc/mxreplay.txt,$(wildcard doc/*.txt))) build/doc/mxreplay.1
TESTLIB := $(wildcard tests/lib/*.c)
ALL_C   := $(SOURCES) $(wildcard tests/*/*.c bench/*.c)

.PHONY: all demo check run-tests check-long check-valgrind oracle fuzz bench lint format install doc dist check-package deps clean help
.SECONDARY:
.DELETE_ON_ERROR:

all: mxreplay ## the program, ./mxreplay
	@echo 'Built ./mxreplay. Try: ./mxreplay /var/log/mail.log, make demo, make check.'

demo: ## installs what is missing, builds, and shows what it does on the sample logs
	@./deps.sh demo
	@$(MAKE) mxreplay
	@sample-logs/demo.sh ./mxreplay build/demo

check: ## every test, or one: make check T=postfix
	@./deps.sh demo check
	@$(MAKE) run-tests
run-tests: build/asan/mxreplay mxreplay build/asan/bench/gen_postfix build/asan/tests/oracle/run_oracle $(TESTS:%.c=build/asan/%) $(if $(T),,$(ALL_C:%.c=build/clang/%.ok))
	@tests/run.sh $(TESTS:%.c=build/asan/%) $(SCRIPTS)

check-long: check check-valgrind $(addprefix build/plain/tests/collect/test_,again capture_parts joined follow) ## check, check-valgrind, 1,000 kills and splits, 10,000 captures, some in parts, 3,300 zone files, 11,000 worlds, ten minutes of each fuzz target
	@AGAIN=1000 build/plain/tests/collect/test_again
	@AGAIN=20 build/plain/tests/collect/test_capture_parts
	@AGAIN=100 build/plain/tests/collect/test_joined
	@AGAIN=20 build/plain/tests/collect/test_follow
	@MXREPLAY_SEEDS=10000 build/asan/tests/collect/test_capture
	@MXREPLAY_SEEDS=300 build/asan/tests/enrich/test_zones_truth
	@MXREPLAY_FLOOD=1500000 tests/collect/test_capture_options.py Case.test_memory
	@MXREPLAY_SEEDS=2000 tests/config/test_there_and_back.py
	@MXREPLAY_SEEDS=3000 tests/config/test_restrictions.py
	@WORLDS=1000 tests/worlds/test_hidden_truth.py
	@WORLDS=10000 tests/worlds/test_two_engines.py
	@$(MAKE) fuzz SECONDS=600

check-valgrind: mxreplay ## the labs through every command, under valgrind
	@tests/valgrind.sh ./mxreplay

oracle: build/plain/tests/oracle/run_oracle ## cases of verdicts, those of the tests or from a file: make oracle CASES=FILE
	@$< $(or $(CASES),$(wildcard tests/oracle/*.yaml))

fuzz: $(FUZZERS:%.c=build/fuzz/%) ## the parsers against random input: make fuzz T=postfix SECONDS=60
	@for f in $^; do name=$${f##*/fuzz_}; log=build/fuzz/$$name.log; mkdir -p build/fuzz/corpus/$$name; \
	  $$f -max_total_time=$(SECONDS) -max_len=65536 -timeout=10 -print_final_stats=1 -artifact_prefix=build/fuzz/$$name- \
	  build/fuzz/corpus/$$name $$(ls -d tests/fuzz/corpus/$$name 2>/dev/null) >$$log 2>&1 || { tail -n 60 $$log; exit 1; }; \
	  sed -n "s/^stat::number_of_executed_units: */ok    $$name, inputs tried: /p" $$log; done

bench: mxreplay $(addprefix build/plain/bench/,gen_postfix gen_zone zones_bench sweep_bench) ## speed and memory against wc, grep, pflogsumm, tcpdump, tshark, rbldnsd: make bench SIZE=1G
	@./deps.sh demo check bench
	@bench/run.py $(if $(SIZE),--size $(SIZE)) $(BENCH)
	@bench/capture.py
	@bench/zones.py
	@build/plain/bench/sweep_bench 1000000 1000 20

lint: $(EMBED) ## clang-tidy, cppcheck, shellcheck
	@cppcheck -q --std=c11 --enable=warning,performance,portability,style --inline-suppr --suppressions-list=.cppcheck \
	  --error-exitcode=1 -I. -Ibuild/embed -Ibuild/embed $(ALL_C)
	@printf '%s\n' $(ALL_C) | xargs -P $(JOBS) -n 1 clang-tidy --quiet 2>/dev/null
	@shellcheck $(shell find . -name '*.sh' -not -path './build/*' -not -path './sample-logs/labs/*') .ci/run

format: ## clang-format over all C
	@clang-format -i $(ALL_C) $(wildcard $(ROOMS:%=%/*.h) tests/*/*.h)

doc: $(MANUAL) build/doc/mxreplay.bash build/doc/mxreplay.zsh ## manual pages and shell completions, into build/doc

install: mxreplay doc ## under PREFIX (/usr/local), staged in DESTDIR
	install -D -m 755 mxreplay $(DESTDIR)$(PREFIX)/bin/mxreplay
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 $(MANUAL)
	install -D -m 644 build/doc/mxreplay.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/mxreplay
	install -D -m 644 build/doc/mxreplay.zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_mxreplay
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/mxreplay/policies $(wildcard policies/*.yaml)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/mxreplay/lists $(wildcard schemas/lists/*)
	@mkdir -p $(DESTDIR)$(PREFIX)/lib/systemd/system
	for unit in $(notdir $(wildcard systemd/*)); do \
	  sed 's,@PREFIX@,$(PREFIX),' systemd/$$unit >$(DESTDIR)$(PREFIX)/lib/systemd/system/$$unit || exit 1; done

dist: ## mxreplay-VERSION.tar.gz
	@mkdir -p build
	@{ git ls-files 2>/dev/null || find . -type f -not -path './build/*' -not -name '*.db*' -not -path ./mxreplay; } | \
	  tar -czf build/mxreplay-$(VERSION).tar.gz --transform 's,^\./,,;s,^,mxreplay-$(VERSION)/,' --owner=0 --group=0 -T -
	@echo build/mxreplay-$(VERSION).tar.gz

check-package: dist ## builds, checks and installs from the tarball in a folder of its own, without a network
	@tests/package.sh build/mxreplay-$(VERSION).tar.gz

deps: ## installs the Debian packages of packages.txt
	@./deps.sh demo check bench

clean: ## away with all that was made
	rm -rf build mxreplay

help: ## this
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

mxreplay: build/plain/mxreplay
	@cp -f $< $@

# What is not compiled is made part of the program: the DDL, the policies that come with mxreplay, the manual.
build/embed/%.inc: %
	@mkdir -p $(@D)
	@sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $< > $@

# The manual and the completions come out of the program's own option tables.
build/doc/mxreplay.1: build/plain/mxreplay
	@mkdir -p $(@D)
	@$< help --man > $@
build/doc/mxreplay-%.1: build/plain/mxreplay
	@mkdir -p $(@D)
	@$< help --man $* > $@
build/doc/mxreplay.%: build/plain/mxreplay
	@mkdir -p $(@D)
	@$< help --completion $* > $@

define build_rules
build/$(1)/%.o: %.c $$(EMBED) Makefile
	@mkdir -p $$(@D)
	$$(Q)$$($(1)_CC) $$(STD) $$(WARN) $$($(1)_CFLAGS) $$(CFLAGS) -MMD -MP -c $$< -o $$@
build/$(1)/libmxreplay.a: $$(patsubst %.c,build/$(1)/%.o,$$(filter-out cli/main.c,$$(SOURCES)))
	@rm -f $$@
	@ar rcs $$@ $$^
build/$(1)/mxreplay: build/$(1)/cli/main.o build/$(1)/libmxreplay.a
	$$(Q)$$($(1)_CC) $$($(1)_LDFLAGS) $$(LDFLAGS) $$^ $$(LIBS) -o $$@
build/$(1)/tests/fuzz/%: build/$(1)/tests/fuzz/%.o build/$(1)/libmxreplay.a
	$$(Q)$$($(1)_CC) $$($(1)_LDFLAGS) $$(LDFLAGS) $$^ $$(LIBS) -o $$@
build/$(1)/tests/%: build/$(1)/tests/%.o $$(patsubst %.c,build/$(1)/%.o,$$(TESTLIB)) build/$(1)/libmxreplay.a
	$$(Q)$$($(1)_CC) $$($(1)_LDFLAGS) $$(LDFLAGS) $$^ $$(LIBS) $$(shell pkg-config --libs check) -o $$@
build/$(1)/bench/%: build/$(1)/bench/%.o build/$(1)/libmxreplay.a
	$$(Q)$$($(1)_CC) $$($(1)_LDFLAGS) $$(LDFLAGS) $$^ $$(LIBS) -o $$@
endef
$(foreach build,plain asan fuzz,$(eval $(call build_rules,$(build))))

# A second compiler has a look at each file.
build/clang/%.ok: %.c $(EMBED) Makefile
	@mkdir -p $(@D)
	$(Q)clang $(STD) $(WARN) -fsyntax-only -MMD -MP -MT $@ -MF $(@:.ok=.d) $< && touch $@

-include $(shell find build -name '*.d' 2>/dev/null)
