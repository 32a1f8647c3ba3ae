# Everything is built without cgo: one static binary, and no C compiler is needed.
export CGO_ENABLED = 0
GO ?= go
PACKAGES = $(shell $(GO) list ./... | grep -v /gen/)

.PHONY: help generate verify build build-pkcs11 hardware lint unit quick browser sdks newresource contract packages package vulncheck test race fuzz nightly faults bench profile demo run release setup

FUZZTIME = 20s
PACKAGE = ./pkg/vault
BENCH = .
VERSION =
FAULTS =

# Variables for tests that keep their files in memory, if a gigabyte is free there. Programs are built elsewhere: they
# may not be executable in memory.
IN_MEMORY = $(shell test -w /dev/shm && df -Pk /dev/shm | awk -v other="$${TMPDIR:-/tmp}" \
	'NR == 2 && $$1 == "tmpfs" && $$4 >= 1048576 {print "TMPDIR=/dev/shm GOTMPDIR=$${GOTMPDIR:-" other "}"}')
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

generate: ## generate gen/ from openapi/
	rm -rf gen
	$(GO) generate .

verify: ## check that gen/ is exactly what openapi/ generates
	@kept=$$(mktemp -d) && trap 'rm -rf "$$kept"' EXIT && cp -r gen "$$kept/gen" && $(MAKE) --no-print-directory generate && diff -r "$$kept/gen" gen

build: ## build bin/chaveiro
	$(GO) build -buildvcs=auto -o bin/chaveiro ./cmd/chaveiro

build-pkcs11: ## build bin/chaveiro-pkcs11, which uses keys in PKCS#11 tokens; needs a C compiler
	CGO_ENABLED=1 $(GO) build -buildvcs=auto -tags pkcs11 -o bin/chaveiro-pkcs11 ./cmd/chaveiro

lint: ## gofmt, the width of lines, the length of functions and files, vet, staticcheck
	@files=$$(gofmt -l $$(git ls-files '*.go' ':!gen')) && test -z "$$files" || { echo "not formatted: $$files" >&2; exit 1; }
	$(GO) test -run 'TestColumns|TestLengths' ./pkg
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck $(PACKAGES)

setup: ## install what the tests need: PostgreSQL, PgBouncer, OpenVPN in three versions, easy-rsa, Chromium, OpenSSL, curl, oauthlib, GnuTLS, NSS, zsh, fish, nftables, Prometheus, Exim, packages of Python, Node and Java
	@scripts/setup.sh postgres pgbouncer openvpn openvpns easyrsa chromium openssl curl oauthlib readers python redocly node schemathesis witnesses shells nftables prometheus exim moto

unit: ## go test ./...; it needs no browser, no Python and no Node. lint has vetted
	$(GO) test -vet=off -timeout 10m ./...

quick: lint ## lint, and the tests that take little and need neither PostgreSQL nor the built program
	$(IN_MEMORY) $(GO) test -short -vet=off ./...

browser: ## the tests of the API explorer in Chromium
	@scripts/setup.sh chromium
	CHAVEIRO_BROWSER=1 $(GO) test -count=1 -timeout 10m ./pkg/wire/docs/...
	CHAVEIRO_BROWSER=1 $(GO) test -count=1 -timeout 10m -run '^TestExplorer' ./pkg/app

sdks: ## the tests that need Python, Node or other readers: the SDKs in these languages, signatures of oauthlib, files of the CA
	@scripts/setup.sh curl oauthlib readers python node
	CHAVEIRO_SDKS=1 $(GO) test -count=1 -timeout 10m ./cmd/sdkgen/python ./cmd/sdkgen/typescript ./cmd/sdkgen/samples ./pkg/auth
	CHAVEIRO_SDKS=1 $(GO) test -count=1 -timeout 10m -run TestReaders ./pkg/ca

hardware: ## the tests of keys in a token, with SoftHSM and a C compiler, in a stub of Transit, and in a stand-in for AWS
	@scripts/setup.sh softhsm moto
	CGO_ENABLED=1 $(GO) vet -tags pkcs11 ./pkg/kms/...
	CGO_ENABLED=1 $(GO) test -count=1 -timeout 10m -tags pkcs11 ./pkg/kms/...
	CGO_ENABLED=1 $(GO) test -count=1 -timeout 15m -tags pkcs11 -run '^TestHardware' ./pkg/app

newresource: ## add a made-up resource to a copy, as docs/CONTRIBUTING.md says, and build and test it there
	CHAVEIRO_NEWRESOURCE=1 $(GO) test -count=1 -timeout 15m -run TestNewResource ./pkg

contract: ## lint the contract, try it on a running server, and compare it with the one that was released last
	@scripts/setup.sh redocly schemathesis witnesses
	CHAVEIRO_CONTRACT=1 $(GO) test -count=1 -timeout 10m ./pkg/wire/contract

packages: ## the tests of what is installed: packages, image, chart, compose.yaml; see docs/install.md
	@scripts/setup.sh packages
	cd packaging && $(GO) vet ./... && $(GO) test -count=1 -timeout 15m ./...
	cd deploy/helm && $(GO) vet ./... && $(GO) test -count=1 -timeout 15m ./...

package: ## build the packages, images and the chart of this working copy into dist/
	rm -rf dist
	cd packaging && $(GO) run .
	@ls -l dist

vulncheck: ## look up known vulnerabilities of what the program calls; needs the database of Go's, elsewhere
	@$(GO) tool -modfile=tools/go.mod govulncheck ./cmd/chaveiro || { code=$$?; test $$code = 3 || echo "vulncheck: NOT CHECKED: see the error above; without the database nothing is known" >&2; exit $$code; }

test: setup verify lint unit hardware browser sdks newresource contract packages ## everything

race: ## go test with the race detector; needs a C compiler
	CGO_ENABLED=1 CHAVEIRO_BROWSER=1 CHAVEIRO_SDKS=1 $(GO) test -race -timeout 40m ./...

fuzz: ## run every fuzz target for FUZZTIME
	@for package in $(PACKAGES); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep ^Fuzz); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package || exit 1; \
		done; \
	done

nightly: ## the checks that take too long for every change: long loops, faults, many made-up requests, keys in a real Vault, packages in a Debian, the race detector, and a minute per fuzz target
	CHAVEIRO_NIGHTLY=1 $(GO) test -count=1 -timeout 60m ./pkg/app
	CHAVEIRO_NIGHTLY=1 $(GO) test -count=1 -timeout 20m -run CutAnywhere ./pkg/store
	@$(MAKE) --no-print-directory faults
	@scripts/setup.sh vault
	CHAVEIRO_NIGHTLY=1 $(GO) test -count=1 -timeout 20m ./pkg/kms/transit
	@scripts/setup.sh schemathesis
	CHAVEIRO_NIGHTLY=1 CHAVEIRO_CONTRACT=1 $(GO) test -count=1 -timeout 60m -run TestSchemathesis ./pkg/wire/contract
	@scripts/setup.sh packages debian
	cd packaging && CHAVEIRO_NIGHTLY=1 $(GO) test -count=1 -timeout 60m ./...
	@$(MAKE) --no-print-directory race
	@$(MAKE) --no-print-directory fuzz FUZZTIME=60s

faults: ## break databases, connections, disks, clocks and key stores under three replicas, then under a server on SQLite, and look for what is missing; as root takes some twenty minutes
	@scripts/setup.sh postgres
	$(GO) run ./faults $(FAULTS)

bench: ## measure rates, latencies and memory against floors; takes some minutes on an otherwise idle machine
	@scripts/setup.sh postgres python node softhsm
	$(GO) run ./bench
	CGO_ENABLED=1 $(GO) test -count=1 -tags pkcs11 -run TestHardware_Rate -v ./pkg/app

profile: ## write a CPU profile of the benchmarks BENCH of PACKAGE to cpu.prof, and list where the time goes
	$(GO) test -run '^$$' -bench '$(BENCH)' -cpuprofile cpu.prof -o cpu.test $(PACKAGE)
	$(GO) tool pprof -top -cum -nodecount 40 cpu.test cpu.prof

demo: build ## issue a certificate, connect with it, revoke it and be refused, with a real OpenVPN; as root also two LANs
	@scripts/setup.sh openvpn
	@$(GO) run ./demo

run: ## run the server on ./data, print a token and commands to try; rebuild and restart it when a source file changes
	@scripts/run.sh

release: ## check and build the release VERSION into dist/, with its packages, and its notes from CHANGELOG.md; publishes nothing
	@scripts/release.sh "$(VERSION)"
