# Makefile: builds, tests and installs gort. GNU make.
#
# It lists no files: the folders are the list (src/<room>/*.c, test/<room>/*_test.c, ...). One build
# is a KIND, whose output is build/<kind>/; the targets below run the same rules for other kinds by
# calling make again with KIND=<kind>. `make V=1` shows the commands.
#
#   make                      the release library and the gort command
#   make demo                 sets up, builds, and shows what the library does
#   make test [T=name]        sets up, builds, and runs all tests; or one room's, or one program's
#   make lint fmt             the house's rules, checked; the format, applied
#   make hostile paranoid tsan asan faults arm64      all tests in that kind of build
#   make race address         the plain library in programs built with -fsanitize=thread, address
#   make valgrind             a few programs under valgrind
#   make clang                builds all with clang and its thread-safety analysis
#   make stress N=100         randomised programs, the seed printed; GORT_SEED= repeats one
#   make matrix               names of frames in programs built in all ways
#   make fuzz                 readers of files, fed with what clang's fuzzer thinks of; SECONDS_FUZZ=60 each
#   make models bench cover docs
#   make coverage             docs/coverage.md, from what the tests said last; `make docs` does it too
#   make install uninstall    PREFIX=/usr/local DESTDIR= LIBDIR=$(PREFIX)/lib
#   make clean

MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL),0)
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
endif
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

KIND ?= release
VERSION := $(or $(shell sed -n 's/^.define GORT_VERSION *"\(.*\)"/\1/p' include/gort/*.h include/gort.h 2>/dev/null),0.1.0)
SOVERSION := 0
B := build/$(KIND)

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib

# ---- the machine and the compiler
HOST_ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,amd64,$(shell uname -m)))
ARCH := $(HOST_ARCH)
CROSS :=
ifeq ($(KIND),arm64)
ARCH := arm64
ifneq ($(HOST_ARCH),arm64)
CROSS := aarch64-linux-gnu-
# Without -L: a prefix would give programs the cross compiler's loader and the system's C library, which
# need not be of one version.
RUN := qemu-aarch64
endif
endif
ifneq ($(filter default undefined,$(origin CC)),)
CC := gcc
endif
ifneq ($(filter default undefined,$(origin CXX)),)
CXX := g++
endif
ifneq ($(CROSS),)
CC := $(CROSS)gcc
CXX := $(CROSS)g++
endif
AR := $(CROSS)ar
OBJCOPY := $(CROSS)objcopy

# ---- what a kind is
KINDS := release debug hostile paranoid tsan asan faults arm64 cover clang race address
ifeq ($(filter $(KIND),$(KINDS)),)
$(error KIND=$(KIND) is none of: $(KINDS))
endif
FLAGS_release  := -O2
FLAGS_debug    := -O1 -DGORT_DEBUG
FLAGS_hostile  := -O1 -DGORT_DEBUG -DGORT_HOSTILE
FLAGS_paranoid := -O1 -DGORT_DEBUG -DGORT_PARANOID
FLAGS_tsan     := -O1 -DGORT_DEBUG
FLAGS_asan     := -O1 -DGORT_DEBUG
FLAGS_faults   := -O1 -DGORT_DEBUG -DGORT_FAULTS
FLAGS_arm64    := -O2 -DGORT_DEBUG
FLAGS_cover    := -O0 -DGORT_DEBUG
FLAGS_clang    := -O2 -DGORT_DEBUG
# The library as users have it; only their programs are compiled for the sanitizer.
FLAGS_race     := -O2 -DGORT_DEBUG
FLAGS_address  := -O2 -DGORT_DEBUG
# Also when linking, and in the programs that use the library.
BOTH_tsan      := -fsanitize=thread
BOTH_asan      := -fsanitize=address,undefined -fno-sanitize-recover=undefined
BOTH_cover     := --coverage
BOTH := $(BOTH_$(KIND))
ifeq ($(KIND),clang)
CC := clang
CXX := clang++
WARN_KIND := -Wthread-safety
endif
ifneq ($(filter tsan race,$(KIND)),)
# ThreadSanitizer wants its shadow where address randomisation may already have put something.
RUN := setarch $(shell uname -m) -R
endif

WERROR ?= -Werror
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Wundef -Wvla \
        -Wcast-qual -Wwrite-strings -Wformat=2 $(WARN_KIND) $(WERROR)
DEPS = -MMD -MP
BASE := -g -fno-omit-frame-pointer -fno-optimize-sibling-calls -fPIC -pthread -D_GNU_SOURCE $(BOTH)
LIB_FLAGS = -std=gnu11 $(WARN) $(FLAGS_$(KIND)) $(BASE) -fvisibility=hidden -ftls-model=initial-exec \
            -Iinclude -Isrc $(CFLAGS)
OUT_FLAGS = -std=gnu11 $(WARN) $(FLAGS_$(KIND)) $(BASE) -Iinclude $(CFLAGS)
# Tests see the inside and may shadow, convert and overflow as they please.
TEST_FLAGS = -std=gnu11 -Wall $(WERROR) $(FLAGS_$(KIND)) $(BASE) $(USER_$(KIND)) -Iinclude -Isrc -I. -Itest $(CFLAGS)
# What a user's program is built with.
USER_FLAGS = -O2 -g -fno-omit-frame-pointer -pthread -D_GNU_SOURCE $(BOTH) $(USER_$(KIND)) -Iinclude $(CFLAGS)
# A program's own faults become panics, also where the sanitizer would have a word first.
USER_race := -fsanitize=thread
USER_address := -fsanitize=address
USER_asan := -fno-sanitize=null,integer-divide-by-zero,alignment,pointer-overflow
# The C++ library of the other machine comes with the cross compiler, for linking only.
USER_arm64 := $(if $(CROSS),-static-libstdc++)
LIBS := -pthread -ldl -lm

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' '$(1)' '$(2)')

# ---- the folders
LIB_C    := $(wildcard src/*/*.c src/arch/$(ARCH)/*.c)
LIB_S    := $(wildcard src/arch/$(ARCH)/*.S)
LIB_O    := $(LIB_C:%.c=$(B)/obj/%.o) $(LIB_S:%.S=$(B)/obj/%.S.o)
POSIX_O  := $(patsubst %.c,$(B)/obj/%.o,$(wildcard interpose/*.c))
# The debug server is built where libmicrohttpd is. Its header alone says little: a cross compiler sees this machine's.
HTTP_C   := $(if $(shell printf '\043include <microhttpd.h>\nint main(void){return !MHD_get_version();}' | \
                         $(CC) -x c - -lmicrohttpd -o /dev/null >/dev/null 2>&1 && echo yes),$(wildcard http/*.c))
HTTP_O   := $(HTTP_C:%.c=$(B)/obj/%.o)
CMD_O    := $(patsubst %.c,$(B)/obj/%.o,$(wildcard cmd/gort/*.c))
HELP_O   := $(patsubst %.c,$(B)/obj/%.o,$(wildcard test/*.c))
UNITS    := $(patsubst test/%.c,$(B)/test/%,$(filter-out $(if $(HTTP_C),,test/http/%),$(wildcard test/*/*_test.c)))
EXAMPLES := $(patsubst examples/%.c,$(B)/examples/%,$(if $(HTTP_C),$(wildcard examples/*.c),$(shell grep -L '^// link: http' examples/*.c)))
STRESS   := $(patsubst test/stress/%.c,$(B)/stress/%,$(wildcard test/stress/*.c))
STATIC   := $(B)/libgort.a $(if $(POSIX_O),$(B)/libgort_posix.a) $(if $(HTTP_O),$(B)/libgort_http.a)
SHARED   := $(B)/libgort.so $(if $(POSIX_O),$(B)/libgort_posix.so) $(if $(HTTP_O),$(B)/libgort_http.so)
COMMAND  := $(if $(CMD_O),$(B)/gort)

.PHONY: all lib units examples stress-programs
all: lib $(COMMAND)
lib: $(STATIC) $(SHARED)
units: $(UNITS)
examples: lib $(EXAMPLES)
stress-programs: $(STRESS)

# ---- compiling
$(B)/obj/src/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(LIB_FLAGS) $(DEPS) -c $< -o $@

$(B)/obj/src/%.S.o: src/%.S Makefile
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CC) $(LIB_FLAGS) $(DEPS) -c $< -o $@

$(B)/obj/interpose/%.o: interpose/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(OUT_FLAGS) -fvisibility=hidden $(DEPS) -c $< -o $@

$(B)/obj/http/%.o: http/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(OUT_FLAGS) -fvisibility=hidden $(DEPS) -c $< -o $@

$(B)/obj/http/page.o: $(wildcard http/page/*)

$(B)/obj/cmd/%.o: cmd/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(OUT_FLAGS) $(DEPS) -c $< -o $@

$(B)/obj/test/%.o: test/%.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(TEST_FLAGS) $(DEPS) -c $< -o $@

$(B)/obj/src/dump/gdbscript.o: scripts/gort-gdb.py

# ---- the libraries: one relocatable object, of which only the public names stay global. Its code gets
# a section of its own, whose bounds tell a traceback which frames are the runtime's (symb/names.c).
OWN_TEXT := $(foreach s,.text .text.unlikely .text.hot .text.startup .text.exit,--rename-section $(s)=gort_text)
# What of libc's a sanitizer would look at is wrapped (base/raw.c).
WRAPPED := $(foreach f,memcpy memmove memset,-Wl,--wrap=$(f))
$(B)/gort.o: $(LIB_O)
	$(call say,JOIN,$@)
	$(Q)$(CC) -r -nostdlib $(WRAPPED) $(LIB_O) -o $@.loose
	$(Q)$(OBJCOPY) --localize-hidden $(OWN_TEXT) $@.loose $@
	@rm -f $@.loose

$(B)/gort_posix.o: $(POSIX_O)
	$(call say,JOIN,$@)
	$(Q)$(CC) -r -nostdlib $(POSIX_O) -o $@.loose
	$(Q)$(OBJCOPY) --localize-hidden $@.loose $@
	@rm -f $@.loose

$(B)/gort_http.o: $(HTTP_O)
	$(call say,JOIN,$@)
	$(Q)$(CC) -r -nostdlib $(HTTP_O) -o $@.loose
	$(Q)$(OBJCOPY) --localize-hidden $@.loose $@
	@rm -f $@.loose

$(B)/lib%.a: $(B)/%.o
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $<

comma := ,
SO_FLAGS := -shared -Wl,-z,now -Wl,-z,relro -Wl,-z,noexecstack -Wl,-z,nodelete \
            -Wl,-z,defs
define make_shared
	$(call say,LD,$@)
	$(Q)$(CC) $(SO_FLAGS) $(BOTH) -Wl,-soname,$(@F).$(SOVERSION) $(LDFLAGS) $< $(1) $(LIBS) -o $@.$(VERSION)
	@ln -sf $(@F).$(VERSION) $@.$(SOVERSION)
	@ln -sf $(@F).$(SOVERSION) $@
endef

POSIX_NEEDS = -L$(B) -lgort -Wl,-rpath,'$$ORIGIN'

$(B)/libgort.so: $(B)/gort.o
	$(call make_shared)

$(B)/libgort_posix.so: $(B)/gort_posix.o $(B)/libgort.so
	$(call make_shared,-L$(B) -lgort -Wl$(comma)-rpath$(comma)'$$ORIGIN')

$(B)/libgort_http.so: $(B)/gort_http.o $(B)/libgort.so
	$(call make_shared,-L$(B) -lgort -lmicrohttpd -Wl$(comma)-rpath$(comma)'$$ORIGIN')

# ---- the programs
$(B)/gort: $(CMD_O) $(B)/libgort.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BOTH) $(LDFLAGS) $(CMD_O) $(B)/libgort.a $(LIBS) -o $@

# A line `// link: -lfoo` in an example names a library it wants; `// link: http` is the debug server.
link_of = $(patsubst http,-lmicrohttpd,$(shell sed -n 's|^// link: ||p' $<))
ours_of = $(if $(filter -lmicrohttpd,$(link_of)),$(B)/libgort_http.a) $(B)/libgort.a

$(B)/examples/%: examples/%.c $(STATIC) Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -Wall -Wextra $(WERROR) $(USER_FLAGS) $(DEPS) $< $(ours_of) $(link_of) $(LIBS) -o $@

$(B)/stress/%: test/stress/%.c $(STATIC) Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -Wall -Wextra $(WERROR) $(USER_FLAGS) $(DEPS) $< $(B)/libgort.a $(LIBS) -o $@

# White-box tests link the loose objects, whose internal names are still there.
$(B)/test/%: $(B)/obj/test/%.o $(HELP_O) $(LIB_O)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(BOTH) $(LDFLAGS) $(WRAPPED) $^ -lcriterion $(LIBS) -o $@
# What the client of the debug server's tests asks, and a page without a server.
$(B)/http/server: test/http/server.c $(STATIC) Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=gnu11 -Wall -Wextra $(WERROR) $(USER_FLAGS) $(DEPS) $< $(B)/libgort_http.a $(B)/libgort.a -lmicrohttpd $(LIBS) -o $@

$(B)/http/render: $(B)/obj/test/http/render.o $(HTTP_O) $(LIB_O)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(BOTH) $(LDFLAGS) $(WRAPPED) $^ -lmicrohttpd $(LIBS) -o $@

$(B)/test/http/%: $(B)/obj/test/http/%.o $(HELP_O) $(LIB_O) $(HTTP_O)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(BOTH) $(LDFLAGS) $(WRAPPED) $^ -lcriterion -lmicrohttpd $(LIBS) -o $@

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- running the tests of one kind (called with KIND=...)
UNIT_SET := $(if $(T),$(filter $(B)/test/$(T)/% $(B)/test/%/$(T) $(B)/test/%/$(T)_test,$(UNITS)),$(UNITS))
PROGTEST = scripts/progtest --kind $(KIND) --cc '$(CC)' --cxx '$(CXX)' --cflags '$(USER_FLAGS)' \
           --build $(B) --libs '$(LIBS)' --run '$(RUN)'

.PHONY: run-units run-progs run-stress run-faults run-http run-special
run-units: $(UNIT_SET)
	@scripts/unittest --kind $(KIND) --run '$(RUN)' $(UNIT_SET)
run-progs: lib
	@$(PROGTEST) $(T)
run-http: $(if $(HTTP_C),lib $(B)/http/server $(B)/http/render)
	@test/http/check --kind $(KIND) $(if $(HTTP_C),--build $(B)) --run '$(RUN)' $(T)
# What is expected of a sanitizer: test/race, test/address, test/valgrind.
run-special: lib
	@$(PROGTEST) --label $(KIND) --folder test/$(KIND) $(T)
run-stress: stress-programs
	@scripts/stress --run '$(RUN)' --rounds 2 --seconds $(SECONDS_EACH) $(B)/stress
run-faults: lib
	@$(PROGTEST) --faults $(T)

# A stage is a name for scripts/gate, which runs check-<stage> and adds up what each counted.
.PHONY: check-matrix check-lint check-models check-clang check-faults check-examples check-clients
.PHONY: check-race check-address check-valgrind
check-units-%:
	+@$(MAKE) KIND=$* run-units
check-progs-%:
	+@$(MAKE) KIND=$* run-progs
check-stress-%:
	+@$(MAKE) KIND=$* run-stress
check-http-%:
	+@$(MAKE) KIND=$* run-http
check-faults:
	+@$(MAKE) KIND=faults run-faults
# Other people's tools, each with a program `run` that counts what it tried.
check-clients:
	+@$(MAKE) KIND=release lib
	@bad=0; for t in test/clients/*/run; do $$t build/release || bad=1; done; exit $$bad
check-examples:
	+@$(MAKE) KIND=release examples
	@examples/check $(B)/examples
check-clang:
	+@$(MAKE) KIND=clang all && scripts/gate --count clang 1
	+@for t in panic_cplusplus sync_cxx sched_cplusplus; do $(MAKE) KIND=clang run-progs T=$$t || exit 1; done
# A few programs as they are, under valgrind: none has an error, or ends otherwise.
VALGRIND := valgrind -q --error-exitcode=99 --leak-check=no
ON_VALGRIND := chan_pipeline context_program final_order gc_stops io_pingpong mem_stats panic_recovered sched_attach \
               sched_cgocall sync_once timer_program trace_nested
check-valgrind:
	+@$(MAKE) KIND=release lib
	@$(subst --run '$(RUN)',--run '$(VALGRIND)',$(PROGTEST)) --label valgrind --slow 10 --exactly $(or $(T),$(ON_VALGRIND))
check-race check-address:
	+@$(MAKE) KIND=$(@:check-%=%) run-special
check-arm64:
	+@$(MAKE) KIND=arm64 run-progs
check-matrix:
	+@$(MAKE) KIND=release lib && scripts/matrix
check-models:
	@scripts/models $(T)
check-lint:
	+@$(MAKE) KIND=release lib && scripts/lint

# ---- what people call
GATE = +@MAKE='$(MAKE)' scripts/gate
ONE := units-release progs-release units-debug progs-debug
ALL := units-release progs-release units-debug progs-debug units-hostile progs-hostile http-release http-hostile \
       race address valgrind examples clients matrix models lint

.PHONY: traces test hostile paranoid tsan asan faults arm64 clang matrix models lint stress race address valgrind
test:
	@scripts/setup build test $(filter arm64 clang,$(ALSO))
	$(GATE) $(if $(T),$(ONE),$(ALL) $(ALSO))
hostile paranoid:
	@scripts/setup build test
	$(GATE) units-$@ progs-$@
asan:
	@scripts/setup build test
	$(GATE) units-$@ progs-$@ stress-$@
# No unit tests: under ThreadSanitizer Criterion ends before the first ("Could not initialize inheritable arena").
tsan:
	@scripts/setup build test
	$(GATE) progs-$@ stress-$@
race address:
	@scripts/setup build test
	$(GATE) $@ progs-$@
arm64 clang:
	@scripts/setup build test $@
	$(GATE) $@
faults matrix models lint valgrind:
faults models lint valgrind:
	@scripts/setup build test
	$(GATE) $@

# Each of test/fuzz/*.c with all of the library's sources, apart from the libraries that people link.
SECONDS_FUZZ ?= 60
FUZZERS := $(patsubst test/fuzz/%.c,build/fuzz/%,$(wildcard test/fuzz/*.c))
.PHONY: fuzz
build/fuzz/%: test/fuzz/%.c $(LIB_C) $(LIB_S) Makefile
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)clang -g -O1 -std=gnu11 -D_GNU_SOURCE -DGORT_FUZZ_MAIN -fsanitize=fuzzer,address -fno-omit-frame-pointer -Iinclude -Isrc \
	    $< $(LIB_C) $(LIB_S) $(WRAPPED) $(LIBS) -o $@
fuzz: $(FUZZERS)
	@for f in $^; do mkdir -p $$f.corpus; ASAN_OPTIONS=detect_leaks=0 $$f -max_total_time=$(SECONDS_FUZZ) -timeout=10 \
	    -rss_limit_mb=2048 -print_final_stats=0 $$f.corpus || exit 1; done

# Traces that stress programs write of themselves, for our reader and Go's.
traces: lib
	@test/clients/trace/run --kind $(KIND) --run '$(RUN)'

N ?= 10
SECONDS_EACH ?= 2
stress:
	@scripts/setup build test
	+@$(MAKE) KIND=hostile stress-programs
	+@$(MAKE) KIND=release stress-programs
	@scripts/stress --rounds $(N) --seconds $(SECONDS_EACH) build/hostile/stress build/release/stress

.PHONY: demo bench cover coverage fmt docs abi clean
demo:
	@scripts/setup build demo
	+@$(MAKE) KIND=release all examples
	@examples/demo

bench:
	@scripts/setup build bench
	+@$(MAKE) KIND=release all
	@bench/run

cover:
	@scripts/setup build test
	@find build/cover -name '*.gcda' -delete 2>/dev/null; true
	+@$(MAKE) KIND=cover run-units; $(MAKE) KIND=cover run-progs; scripts/cover build/cover

FORMATTED := $(shell find src include cmd test examples interpose http bench -name '*.[ch]' 2>/dev/null)
fmt:
	clang-format -i $(FORMATTED)

# The pages that are printed from tables.
docs: coverage
	@scripts/docs

coverage:
	@scripts/coverage

# The list of exported names changes on purpose only.
abi:
	+@$(MAKE) KIND=release lib
	@scripts/lint --write-abi

clean:
	rm -rf build

# ---- install
.PHONY: install uninstall
MANDIR := $(PREFIX)/share/man
D = $(DESTDIR)
subst_vars = sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR:$(PREFIX)/%=$${prefix}/%)|g' -e 's|@VERSION@|$(VERSION)|g' \
             -e 's|@SOVERSION@|$(SOVERSION)|g'
install:
	+@$(MAKE) KIND=release all
	install -d $(D)$(PREFIX)/bin $(D)$(PREFIX)/include/gort $(D)$(LIBDIR)/pkgconfig $(D)$(LIBDIR)/cmake/gort
	install -m 644 include/gort.h $(D)$(PREFIX)/include/
	install -m 644 include/gort/*.h $(D)$(PREFIX)/include/gort/
	install -m 644 $(wildcard $(B)/libgort*.a) $(D)$(LIBDIR)/
	install -m 755 $(B)/libgort*.so.$(VERSION) $(D)$(LIBDIR)/
	for so in $(notdir $(SHARED)); do \
	    ln -sf $$so.$(VERSION) $(D)$(LIBDIR)/$$so.$(SOVERSION); \
	    ln -sf $$so.$(SOVERSION) $(D)$(LIBDIR)/$$so; done
	install -m 755 $(B)/gort $(D)$(PREFIX)/bin/
	for pc in gort $(if $(HTTP_O),gort_http); do \
	    $(subst_vars) packaging/$$pc.pc.in > $(D)$(LIBDIR)/pkgconfig/$$pc.pc; done
	for f in gort-config gort-config-version; do \
	    $(subst_vars) packaging/$$f.cmake.in > $(D)$(LIBDIR)/cmake/gort/$$f.cmake; done
	install -D -m 644 scripts/gort-gdb.py $(D)$(PREFIX)/share/gort/gort-gdb.py
	install -d $(D)$(PREFIX)/share/gort/bpftrace
	install -m 644 scripts/bpftrace/*.bt $(D)$(PREFIX)/share/gort/bpftrace/
	for page in $(wildcard docs/man/*.[13]); do \
	    install -D -m 644 $$page $(D)$(MANDIR)/man$${page##*.}/$${page##*/}; done

uninstall:
	rm -f $(D)$(PREFIX)/bin/gort $(D)$(PREFIX)/include/gort.h $(D)$(LIBDIR)/libgort.a $(D)$(LIBDIR)/libgort_posix.a
	rm -f $(D)$(LIBDIR)/libgort.so* $(D)$(LIBDIR)/libgort_posix.so* $(D)$(LIBDIR)/pkgconfig/gort.pc
	rm -f $(D)$(LIBDIR)/libgort_* $(D)$(LIBDIR)/pkgconfig/gort_http.pc
	rm -f $(foreach p,$(wildcard docs/man/*.[13]),$(D)$(MANDIR)/man$(subst .,,$(suffix $(p)))/$(notdir $(p)))
	rm -rf $(D)$(PREFIX)/include/gort $(D)$(LIBDIR)/cmake/gort $(D)$(PREFIX)/share/gort
