# Nacre. `make run` serves an example, `make test` runs every test; CONTRIBUTING.md tells the rest.

# The perl that Nacre.so is built for, and that `nacre` uses by default.
PERL ?= perl
# Where `make install` puts things; DESTDIR is put in front of it, for packagers.
PREFIX ?= /usr/local
# INSTALL_BASE=~/perl5 puts everything below that directory, as for other Perl modules.
ifdef INSTALL_BASE
PREFIX = $(INSTALL_BASE)
endif
# What the tests of frameworks load.
frameworks = libcatalyst-perl libcatalyst-modules-perl libcatalyst-view-tt-perl libconfig-general-perl \
    libdancer2-perl libtemplate-perl libmojolicious-perl libcgi-compile-perl libcgi-emulate-psgi-perl \
    libhtml-mason-perl libmason-perl libtext-xslate-perl libhtml-template-perl libdbd-sqlite3-perl libdbix-class-perl \
    carton liblocal-lib-perl
# Applications, and what the portal needs beyond what its package asks for.
applications = awstats liblemonldap-ng-portal-perl libgd-securityimage-perl libimage-magick-perl libstring-random-perl \
    libmime-tools-perl libemail-sender-perl
# What `make fuzz` plays.
SEED ?= 1
EDITS ?= 1000
STEP ?= 1
# Where `make run` listens.
PORT ?= 5000
export PERL

bin = $(DESTDIR)$(PREFIX)/bin
lib = $(DESTDIR)$(PREFIX)/lib/nacre
man = $(DESTDIR)$(PREFIX)/share/man/man1
examples = $(DESTDIR)$(PREFIX)/share/doc/nacre/apache2
# lib/nacre/5.36.0/x86_64-linux-gnu-thread-multi: Nacre.so fits one perl, and several can be installed.
extension = $(lib)/$(shell $(PERL) -MConfig -e 'print "$$Config{version}/$$Config{archname}"')
# Where Perl programs find Nacre: where PERL looks by itself, or below a PREFIX of one's own, for PERL5LIB.
sitelib = $(DESTDIR)$(if $(findstring file,$(origin PREFIX))$(INSTALL_BASE),$(if $(INSTALL_BASE),$(INSTALL_BASE)/lib/perl5,$(perl-sitelib)),$(shell \
    $(PERL) -MConfig -e 'print $$ARGV[0] eq $$Config{siteprefix} ? $$Config{installsitelib} : "$$ARGV[0]/lib/perl5"' '$(PREFIX)'))
perl-sitelib = $(shell $(PERL) -MConfig -e 'print $$Config{installsitelib}')
release = .build/release
# The programs carry Swift with them: where they run, it need not be installed.
build-release = swift build -c release --static-swift-stdlib
# What only mod_perl can load.
in-apache = Nacre/Apache2.pm Nacre/Apache2/Status.pm
version = $(shell sed -n "s/^our .VERSION = '\(.*\)';/\1/p" perl/lib/Nacre.pm)
modules = $(shell cd perl/lib && find * -name '*.pm')

.PHONY: help run build test test-fast fuzz fuzz-patch fuzz-http test-apache test-sanitized test-clean-system test-packages perl-headers bench install install-files uninstall dist lint clean

help:
	@echo 'make run        serve Examples/oyster-bar on port $(PORT)'
	@echo 'make test       run every test (make test-fast: without the slow ones)'
	@echo 'make fuzz       compare reloads with fresh starts: EDITS=$(EDITS) random edits from SEED=$(SEED) on'
	@echo 'make fuzz-http  read INPUTS=$(INPUTS) requests, whole and broken, from SEED=$(SEED) on'
	@echo 'make fuzz-patch compare patches of a running perl with fresh starts, as above'
	@echo 'make test-apache patch Apache under load: EDITS=$(EDITS) saves, RESTARTS=$(RESTARTS) restarts'
	@echo 'make test-sanitized run what is inside perl with the address sanitizer'
	@echo 'make test-clean-system follow README.md and Documentation/Hosts.md on a new Debian'
	@echo 'make bench      measure'
	@echo 'make install    install below PREFIX=$(PREFIX) for PERL=$(PERL)'
	@echo 'make lint       check the style'

run: build
	@echo
	@echo 'Open http://localhost:$(PORT)/ in a browser, then edit'
	@echo '    $(CURDIR)/Examples/oyster-bar/menu.conf'
	@echo 'or any other file beside it, save, and press reload. Ctrl-C stops.'
	@echo
	@exec $(release)/nacre --perl $(PERL) -p $(PORT) Examples/oyster-bar/app.psgi

build: perl-headers
	$(build-release) --product nacre
	$(build-release) --product Nacre

# What perl's header files need beyond a C compiler, which Swift needs, too.
perl-headers:
	@.ci/need-perl-headers

test-packages: perl-headers
	@.ci/need libplack-perl libmoose-perl libmoo-perl libserver-starter-perl nginx-light bindfs chromium strace git
	@.ci/need libdevel-nytprof-perl libdevel-cover-perl valgrind
	@.ci/need apache2-bin libapache2-mod-perl2 starman curl openssl nghttp2-client
	@.ci/need $(frameworks) $(applications)

test: test-packages build
	swift build --build-tests
	@.ci/run-tests

test-fast: test-packages
	swift build --build-tests
	@NACRE_TESTS=fast .ci/run-tests

fuzz: test-packages
	swift build --build-tests
	SEED=$(SEED) EDITS=$(EDITS) STEP=$(STEP) swift test --skip-build --filter everyWorkerIsWhatAFreshStartIs

# Apache under load: EDITS saves, RESTARTS restarts, CHILDREN children.
RESTARTS ?= 50
CHILDREN ?= 8
test-apache: test-packages
	swift build --build-tests
	NACRE_APACHE_EDITS=$(EDITS) NACRE_APACHE_RESTARTS=$(RESTARTS) NACRE_APACHE_CHILDREN=$(CHILDREN) \
	    swift test --skip-build --filter ChildrenTests

# INPUTS requests, whole and broken, to the parser.
INPUTS ?= 1000000
fuzz-http: perl-headers
	swift build --build-tests
	SEED=$(SEED) INPUTS=$(INPUTS) swift test --skip-build --filter everyInputHasOneMeaning

# With the address sanitizer in what is C and in the Swift around it; SUITES="Scenario Thread" runs only these.
SUITES ?=
test-sanitized: test-packages
	swift build --build-tests
	@.ci/test-sanitized $(SUITES)

# Follows README.md and Documentation/Hosts.md on a new Debian 12, as root; Tests/CleanSystem/run tells more.
test-clean-system:
	Tests/CleanSystem/run

fuzz-patch: test-packages
	swift build --build-tests
	SEED=$(SEED) EDITS=$(EDITS) swift test --skip-build --filter codeIsThatOfAFreshStart

# What `make bench` measures, and how often; see Benchmarks/run --help. PARTS="reload memory" measures only these.
PARTS ?= throughput front reload syscalls slow memory flat trees patching
ROUNDS ?= 4
SAVES ?= 5

bench: build
	@.ci/need libplack-perl starman uwsgi-core uwsgi-plugin-psgi wrk curl strace git libmojolicious-perl \
	    liblinux-inotify2-perl apache2 libapache2-mod-perl2 libapache2-reload-perl libmoose-perl libdancer2-perl libmodule-refresh-perl
	Benchmarks/run --parts '$(PARTS)' --rounds $(ROUNDS) --saves $(SAVES)

install: build install-files

install-files:
	install -d $(bin) $(extension) $(man) $(addprefix $(lib)/perl/,$(dir $(modules)))
	install -m 755 $(release)/nacre $(bin)/nacre
	install -m 755 $(release)/libNacre.so $(extension)/Nacre.so
	for file in $(modules); do install -m 644 perl/lib/$$file $(lib)/perl/$$file || exit; done
	install -d $(addprefix $(sitelib)/,$(dir $(modules)))
	for file in $(modules); do ln -srf $(lib)/perl/$$file $(sitelib)/$$file || exit; done
	install -m 644 Documentation/nacre.1 $(man)/nacre.1
	install -d $(examples)
	sed 's|/usr/local/lib/nacre|$(PREFIX)/lib/nacre|' Examples/apache2/nacre.conf >$(examples)/nacre.conf
	chmod 644 $(examples)/nacre.conf

uninstall:
	rm -f $(bin)/nacre $(man)/nacre.1
	for file in $(modules); do rm -f $(sitelib)/$$file; done
	rm -rf $(lib) $(DESTDIR)$(PREFIX)/share/doc/nacre

# The source, to be built elsewhere.
dist:
	git archive --prefix=nacre-$(version)/ -o nacre-$(version).tar.gz HEAD

lint:
	swift format lint --strict -r Sources Tests Package.swift
	for file in $(modules); do podchecker perl/lib/$$file || exit; done
	for file in $(filter-out $(in-apache),$(modules)); do $(PERL) -Iperl/lib -wc perl/lib/$$file || exit; done
	for file in $$(find Examples -name '*.pm'); do $(PERL) -IExamples/oyster-bar/lib -wc $$file || exit; done

clean:
	swift package clean
