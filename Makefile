# `make demo` and `make test` need only Python 3.11 to 3.13 with venv, and make.
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && { echo $$p; break; }; done)

.PHONY: demo test check lint bench golden test-compat clean

demo: $(STAMP)
	$(BIN)/rules demo

test: $(STAMP)
	$(BIN)/pytest -n 2

check: lint test

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m benchmarks W1 L2 start

golden: $(STAMP)
	$(BIN)/python -m tests.golden

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

clean:
	rm -rf $(VENV) .venv-* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
