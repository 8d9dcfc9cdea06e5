# mxreplay: `make help` tells what can be made.
PREFIX  ?= /usr/local
CC      ?= gcc
VERSION := 0.1.0

PKGS    := sqlite3 libarchive yaml-0.1 libpsl
ROOMS   := base collect collect/dialect schemas analyze analyze/measure report cli
WARN    := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Werror
STD     := -std=c17 -I. -Ibuild/embed -DMXREPLAY_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
HARDEN  := -D_FORTIFY_SOURCE=3 -fPIE -fstack-protector-strong -fstack-clash-protection
LIBS    := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lpthread -lm
ASAN    := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer

# A build is a folder, its flags and its linker flags.
plain_CFLAGS := -O2 -g $(HARDEN)
plain_LDFLAGS := -pie -Wl,-z,relro,-z,now
asan_CFLAGS  := -O1 -g $(ASAN)
asan_LDFLAGS := $(ASAN)

SOURCES := $(foreach room,$(ROOMS),$(wildcard $(room)/*.c))
EMBED   := $(patsubst %,build/embed/%.inc,$(wildcard schemas/*.sql schemas/migrations/*.sql policies/*.yaml))
TESTS   := $(filter %test_$(if $(T),$(T),%).c,$(wildcard tests/*/test_*.c))
SCRIPTS := $(filter tests/cli/$(if $(T),$(T),%).sh,$(wildcard tests/cli/*.sh))
TESTLIB := $(wildcard tests/lib/*.c)

.PHONY: all demo check check-long check-valgrind oracle fuzz bench lint format install dist check-package deps clean help
.SECONDARY:
.DELETE_ON_ERROR:

all: mxreplay
	@echo 'Built ./mxreplay. Try: ./mxreplay /var/log/mail.log, make demo, make check.'

mxreplay: build/plain/mxreplay
	@cp -f $< $@

# What is not compiled is made part of the program: the DDL and the policies that come with mxreplay.
build/embed/%.inc: %
	@mkdir -p $(@D)
	@sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/' $< > $@

define build_rules
build/$(1)/%.o: %.c $$(EMBED) Makefile
	@mkdir -p $$(@D)
	$$(CC) $$(STD) $$(WARN) $$($(1)_CFLAGS) $$(CFLAGS) -MMD -MP -c $$< -o $$@
build/$(1)/libmxreplay.a: $$(patsubst %.c,build/$(1)/%.o,$$(filter-out cli/main.c,$$(SOURCES)))
	@rm -f $$@
	@ar rcs $$@ $$^
build/$(1)/mxreplay: build/$(1)/cli/main.o build/$(1)/libmxreplay.a
	$$(CC) $$($(1)_LDFLAGS) $$(LDFLAGS) $$^ $$(LIBS) -o $$@
build/$(1)/tests/%: build/$(1)/tests/%.o $$(patsubst %.c,build/$(1)/%.o,$$(TESTLIB)) build/$(1)/libmxreplay.a
	$$(CC) $$($(1)_LDFLAGS) $$(LDFLAGS) $$^ $$(LIBS) $$(shell pkg-config --libs check) -o $$@
endef
$(foreach build,plain asan,$(eval $(call build_rules,$(build))))
-include $(shell find build -name '*.d' 2>/dev/null)

check: build/asan/mxreplay mxreplay $(patsubst %.c,build/asan/%,$(TESTS))
	@for t in $(patsubst %.c,build/asan/%,$(TESTS)); do echo "== $$t"; $$t || exit 1; done
	@for t in $(SCRIPTS); do echo "== $$t"; MXREPLAY=$(CURDIR)/build/asan/mxreplay sh $$t || exit 1; done

clean:
	rm -rf build mxreplay
