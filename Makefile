# Sockeye. `make` or `make help` lists what there is.
# Each target is a script in scripts/ or one command, so that all of it also runs without make.

.DEFAULT_GOAL := help
.PHONY: help run build client setup test check unit e2e test-cluster test-cluster-faults test-long fuzz simulate rolling builds soak crowd rehearsal bench screenshots clean

ARGS ?=
SOAK ?= 30m
CLIENTS ?= 5000
SEEDS ?= 10000
BACKENDS ?= streams,mesh,nats,redis
CLIENT := server/clientdist/dist/socket.io.js

help: ## list these targets
	@printf 'Sockeye: a Socket.IO server in Go. Usage: make TARGET\n\n'
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  \033[1m%-19s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nPORT=8080 make run listens elsewhere; make run ARGS=--help shows all options.\n'

run: $(CLIENT) ## start the server and say which address to open
	@scripts/build .cache/sockeye . && SOCKEYE_DEV=$${SOCKEYE_DEV-on} exec .cache/sockeye $(ARGS)

build: $(CLIENT) ## build the program into bin/sockeye, one static file
	@CGO_ENABLED=0 scripts/build bin/sockeye -trimpath .

client: $(CLIENT) ## install the pinned browser client from npm
$(CLIENT): server/clientdist/package.json server/clientdist/package-lock.json
	@scripts/client

setup: $(CLIENT) ## install what the tests need: npm packages, Chromium, Python's client
	@scripts/setup

test: ## run every check and every test
	@scripts/test

check: ## formatting, vet, staticcheck and govulncheck only
	@scripts/test check

unit: $(CLIENT) ## Go tests only
	@scripts/test unit

e2e: setup ## tests with real clients and browsers only
	@scripts/test e2e

test-cluster: setup ## tests of several servers as one only: brokers, Node's servers
	@scripts/test cluster

builds: ## compile and vet for 386, arm, Windows, macOS and FreeBSD, all of it
	@scripts/test builds

test-cluster-faults: setup ## faults of brokers, nodes and networks, as long as they should last, on all backends: minutes
	@scripts/test faults

test-long: setup ## all of what test has a part of: every client over every transport, 386 with brokers, more lives; an hour
	@scripts/test long

fuzz: ## run every fuzz target, FUZZTIME (10s, or 100000x) each, and count executions
	@scripts/fuzz

simulate: ## clusters in memory with faults: SEEDS (10000) lives, or that of SEED with its history
	@go test -c -o .cache/simulate ./e2e/simulation && cd e2e/simulation && SEEDS=$(SEEDS) SEED=$(SEED) PRESENCE=1000 ../../.cache/simulate -test.run 'TestSeeds|TestPresence' -test.timeout 0
	@go test -c -o .cache/simulate-recovery ./socketio && cd socketio && SEEDS=$(SEEDS) SEED=$(SEED) ../.cache/simulate-recovery -test.run 'TestRoam$$|TestRoamFaults|TestRoamHandOver' -test.timeout 0

rolling: setup ## restart three nodes under load with 1,000 clients that recover, on each of BACKENDS (streams,mesh,nats,redis), some minutes
	@mkdir -p bin && cd e2e && go build -o ../bin/ ./fixture ./cluster/natsd && timeout 1800 node cluster/rolling.mjs $(BACKENDS) 1000

soak: ## hold CLIENTS (5000) with churn and faults for SOAK (30m), then look for leaks and losses
	@scripts/build bin/soak ./e2e/soak && exec bin/soak -for $(SOAK) -clients $(CLIENTS) $(ARGS)

crowd: setup ## the inspection's page in Chromium with 10,000 sockets and as many events a second, on 3 windows
	@scripts/build bin/program . && cd bench && go build -o ../bin/loadgen ./loadgen && go build -o ../bin/benchserver ./sockeye && cd ../e2e && exec node crowd.mjs $(ARGS)

rehearsal: setup ## an incident on purpose: a slow client, a flood and a lost broker; prints what tells of it
	@scripts/build bin/program . && exec node e2e/incident/run.mjs

bench: ## measure against Node and others, write docs/benchmarks.md; QUICK=1: minutes
	@cd bench && go run . $(if $(QUICK),-quick) $(ARGS)

screenshots: setup ## take a picture of every page into screenshots/
	@scripts/screenshots

clean: ## remove what was built and installed
	rm -rf bin .cache screenshots $(shell git ls-files --others --ignored --exclude-standard --directory | grep 'node_modules/$$') $(filter-out %/PLACEHOLDER,$(wildcard server/clientdist/dist/*))
