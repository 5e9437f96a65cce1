# Every target sets up what it needs in .venv on first use: Python 3.11 or newer and make are enough.
# uv is used where it is installed, venv and pip elsewhere; both check every hash of the lock.

PYTHON ?= python3
BIN := .venv/bin
CATALYST_DATA ?= ../shared/data
export CATALYST_DATA
# Ray starts many Python processes: without byte code each one compiles all its imports again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo run test test-data lint bench quality ci lock docs clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: .venv/.run ## Install the program and its locked dependencies into .venv
demo: .venv/.run ## Run three cycles against an invented market; no key, GPU or server needed
	@$(BIN)/catalyst-ray demo
run: .venv/.run ## Watch the live feeds and send alerts, until Ctrl-C
	@$(BIN)/catalyst-ray run
test: lint ## Check the code and run every test
	$(BIN)/python -m pytest
test-data: .venv/.test ## Run only the tests on the real data in CATALYST_DATA
	$(BIN)/python -m pytest -m real_data
lint: .venv/.test ## Check style, types, layers and generated files
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
bench: .venv/.test ## Measure, print and write out/bench.json
	@$(BIN)/python -m tests.bench
quality: .venv/.test ## Measure the judgement on CATALYST_DATA and write docs/quality.md
	@$(BIN)/catalyst-ray quality --data $(CATALYST_DATA) --write docs/quality.md
ci: test ## What CI runs
docs: .venv/.run ## Write .env.example, docs/settings.md, docs/metrics.md and the files of Grafana and Prometheus
	$(BIN)/catalyst-ray settings --write
	$(BIN)/catalyst-ray metrics --write deploy --docs docs/metrics.md
clean: ## Delete .venv and out
	rm -rf .venv out

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
lock: .venv/.test ## Write both lock files anew from pyproject.toml
	$(COMPILE) --all-extras --upgrade pyproject.toml -o requirements.lock
	$(COMPILE) --group dev --upgrade -c requirements.lock -o tests/requirements.lock
	$(COMPILE) --group model --no-deps >> tests/requirements.lock

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12"; exit 1; }
	@echo "making .venv"
	@if command -v uv >/dev/null; then uv venv --quiet --python "$$(command -v $(PYTHON))" .venv; else $(PYTHON) -m venv .venv; fi

INSTALL = if command -v uv >/dev/null; \
  then uv pip install --quiet --python $(BIN)/python --compile-bytecode --no-deps
PIP = $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps
.venv/.run: requirements.lock pyproject.toml | .venv/bin/python
	@echo "installing what requirements.lock names (about a minute)"
	@$(INSTALL) --require-hashes -r requirements.lock; else $(PIP) --require-hashes -r requirements.lock; fi
	@$(INSTALL) -e .; else $(PIP) -e .; fi
	@$(BIN)/python -m compileall -q catalyst_ray
	@touch $@
.venv/.test: tests/requirements.lock .venv/.run
	@echo "installing what tests/requirements.lock names"
	@$(INSTALL) --require-hashes -r tests/requirements.lock; else $(PIP) --require-hashes -r tests/requirements.lock; fi
	@touch $@
