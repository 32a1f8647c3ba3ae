# Everything is built without cgo: one static binary, no C compiler needed.
export CGO_ENABLED = 0
GO ?= go
PACKAGES = $(shell $(GO) list ./... | grep -v /gen/)

.PHONY: help generate verify build lint unit quick test race fuzz nightly bench profile demo run release setup

FUZZTIME = 20s
PACKAGE = ./pkg/vault
BENCH = .
VERSION =

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "%-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

generate: ## make gen/ from openapi/
	rm -rf gen
	$(GO) generate .

verify: ## check that gen/ is what openapi/ gives, byte for byte
	@kept=$$(mktemp -d) && trap 'rm -rf "$$kept"' EXIT && cp -r gen "$$kept/gen" && $(MAKE) --no-print-directory generate && diff -r "$$kept/gen" gen

build: ## build bin/chaveiro
	$(GO) build -buildvcs=auto -o bin/chaveiro ./cmd/chaveiro

lint: ## gofmt, the width of lines, vet, staticcheck
	@files=$$(gofmt -l $$(git ls-files '*.go' ':!gen')) && test -z "$$files" || { echo "not formatted: $$files" >&2; exit 1; }
	$(GO) test -run TestColumns ./pkg
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck $(PACKAGES)

setup: ## install what the tests need of the system: PostgreSQL, PgBouncer, OpenVPN, Chromium, OpenSSL, Python's oauthlib
	@scripts/setup.sh postgres pgbouncer openvpn chromium openssl oauthlib

unit: ## go test ./...
	$(GO) test -timeout 10m ./...

quick: lint ## lint, and the tests without PostgreSQL, a browser and the program itself
	$(GO) test -short ./...

test: setup verify lint unit ## everything

race: ## go test with the race detector; needs a C compiler
	CGO_ENABLED=1 $(GO) test -race -timeout 40m ./...

fuzz: ## run every fuzz target for FUZZTIME
	@for package in $(PACKAGES); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep ^Fuzz); do \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$package || exit 1; \
		done; \
	done

nightly: ## what takes too long for every change: long loops, the race detector over everything, and a minute for every fuzz target
	CHAVEIRO_NIGHTLY=1 $(GO) test -count=1 -timeout 30m ./pkg/app
	@$(MAKE) --no-print-directory race
	@$(MAKE) --no-print-directory fuzz FUZZTIME=60s

bench: ## measure against floors: rates, latencies, memory; some minutes, on a machine that does nothing else
	$(GO) run ./bench

profile: ## CPU profile of the benchmarks BENCH of PACKAGE: cpu.prof, and where the time goes
	$(GO) test -run '^$$' -bench '$(BENCH)' -cpuprofile cpu.prof -o cpu.test $(PACKAGE)
	$(GO) tool pprof -top -cum -nodecount 40 cpu.test cpu.prof

demo: build ## a certificate is made, let in, revoked and refused, by a real OpenVPN
	@scripts/setup.sh openvpn
	@$(GO) run ./demo

run: ## run the server on ./data, with a token and commands to try; it is built and started again when a source changes
	@scripts/run.sh

release: ## check and build the release VERSION into dist/, with its notes out of CHANGELOG.md; publishes nothing
	@scripts/release.sh "$(VERSION)"
