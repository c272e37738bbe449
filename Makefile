# Everything a person does here. Needs python3 (3.11 to 3.13), make and git; the rest is installed into .venv.
#   make run                                the whole lineage on the simulated world
#   make run PROFILE=files DATA=<folder>    on bulk files
#   make run PROFILE=live                   on the official sites (first: .venv/bin/cyberpi doctor --profile live)
#   make test | check | bench | ui | clean

PYTHON  ?= python3
VENV    ?= .venv
BIN     := $(VENV)/bin
PROFILE ?= demo
DATA    ?=
PORT    ?= 3000

export CYBERPI_PROFILE := $(PROFILE)
ifneq ($(strip $(DATA)),)
export CYBERPI_DATA := $(DATA)
endif
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test check format bench ui lock clean help
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# The stamp is younger than the lock file when the environment holds what the lock file says.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "Python 3.11 to 3.13 is needed, this is %d.%d: make PYTHON=python3.13" % v)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

run: $(VENV)/.installed ## build every table and report (PROFILE=demo|files|live, DATA=folder)
	@$(BIN)/cyberpi run

ui: $(VENV)/.installed ## Dagster on 127.0.0.1:3000, with the history kept in data/
	@$(BIN)/cyberpi ui --port $(PORT)

test: $(VENV)/.installed ## all tests
	@env -u CYBERPI_PROFILE -u CYBERPI_DATA $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.installed ## format, lint, types, imports, definitions, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	env -u CYBERPI_PROFILE -u CYBERPI_DATA $(BIN)/dagster definitions validate -w workspace.yaml
	$(MAKE) test

format: $(VENV)/.installed ## put the code in its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.installed ## the tables of docs/benchmarks.md, measured here (DATA=folder of real data)
	@$(BIN)/python -m benchmarks $(DATA)

lock: $(VENV)/.installed ## resolve the newest releases that work together
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --all-extras pyproject.toml -o requirements.lock

clean: ## remove what runs have made; the environment and what sites gave stay
	@if [ -x $(BIN)/cyberpi ]; then for p in demo files live; do $(BIN)/cyberpi stop --profile $$p >/dev/null 2>&1 || true; done; fi
	@# what was fetched from sites stays: they need not be asked again
	@if [ -d data/live ]; then find data/live -mindepth 1 -maxdepth 1 ! -name fetched ! -name sweeps -exec rm -rf {} +; fi
	rm -rf data/demo data/files data/dagster .pytest_cache .ruff_cache .hypothesis
