# `make demo` and `make test` need only Python 3.11 to 3.13 with venv, and make.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
CLIENTS := .venv-clients
CLIENTS_STAMP := $(CLIENTS)/.stamp
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && { echo $$p; break; }; done)

.PHONY: demo test check lint bench sim kill soak fuzz golden clients test-compat clean

demo: $(STAMP)
	$(BIN)/rules demo

test: $(STAMP) $(CLIENTS_STAMP)
	$(BIN)/pytest -n 2

check: lint test

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# NAMES= which benchmarks, all if empty; ARGS=--peers measures other libraries too, after `pip install -e .[peers]`.
bench: $(STAMP)
	$(BIN)/python -m benchmarks $(NAMES) $(ARGS)

# Real processes, real sockets, SIGKILL: make kill RUNS=1000 SEED=1
RUNS ?= 200
kill: $(STAMP)
	$(BIN)/python -m tests.kill $(RUNS) $(if $(SEED),--seed $(SEED))

# SEEDS= how many seeds are played, ARGS= more words for `python -m tests.sim`, such as --minutes 240.
SEEDS ?= 200
sim: $(STAMP)
	$(BIN)/python -m tests.sim 1-20 --planted
	$(BIN)/python -m tests.sim 1-$(SEEDS) $(ARGS)

# A week on a clock that jumps: make soak DAYS=7
DAYS ?= 7
soak: $(STAMP)
	$(BIN)/python -m tests.soak --days $(DAYS)

# Sentences, edits of rule files, damaged connections, files and frames from dice, and messages to services that fail.
fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz --sentences 1000000 --reloads 10000 --connections 500 --files 10000 --frames 1000000 $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m tests.notifying.flood 100000

golden: $(STAMP)
	$(BIN)/python -m tests.golden

# The programs that the gateway is tested with, each in an environment of its own.
clients: $(CLIENTS_STAMP)

# The broker's tests on ib_async instead of ib_insync, and the whole suite on the other Python versions found here.
test-compat:
	tests/compat.sh

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "rules-engine needs Python 3.11, 3.12 or 3.13; none was found on PATH. Install one (Debian: apt-get install python3 python3-venv) or call: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] <= (3, 13) or sys.exit("rules-engine needs Python 3.11, 3.12 or 3.13, but $(PYTHON) is " + sys.version.split()[0])'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module (Debian: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	$(BIN)/python -m compileall -q rules_engine
	@touch $(STAMP)

$(CLIENTS_STAMP): tests/clients/environments.txt | $(STAMP)
	rm -rf $(CLIENTS)
	@set -e; grep -v '^#' $< | while read -r name packages; do \
		echo "$(CLIENTS)/$$name: $$packages"; \
		$(BIN)/python -m venv --without-pip $(CLIENTS)/$$name; \
		$(BIN)/python -m pip --python $(CLIENTS)/$$name/bin/python install --quiet --disable-pip-version-check $$packages; \
	done
	@touch $@

clean:
	rm -rf $(VENV) .venv-* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
