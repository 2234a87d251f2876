# Needs nothing but Python 3.11 to 3.14, git and make. All that is installed goes into .venv.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# Great Expectations does not run on Python 3.15 yet.
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c '$(SUITABLE)' 2>/dev/null && { echo $$each; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
# Of all that is installed an eighth is ever loaded: each module is compiled when it first is, and kept so for those after.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --no-compile --require-hashes --requirement
INSTALL_OURSELVES := $(PIP) install --quiet --no-deps --no-build-isolation --editable .

ROOMS := connectors mappings validators runs migrate
OURS := $(ROOMS) __init__.py __main__.py cli.py
TYPING := build/typing
# One more than the processors of a small machine: many a test waits for a server, or for a process to die.
WORKERS ?= 3
JUDGES := build/judges
JUDGED := tests/connectors/salesforce/judges
COVERING := $(addprefix tests/runs/test_,bodies.py contributions.py ledger*.py partition*.py permits.py proofs.py undone.py) \
	$(addprefix tests/migrate/test_,adopt.py answers.py assemble.py beside*.py branches.py changed_mapping.py circles.py \
	clobber.py details*.py everything.py explain.py filed*.py files_source.py flight*.py fold.py foresight.py \
	fxiaoke_calls.py fxiaoke_move.py kinds.py left_out.py left_unseen.py life.py linking.py look.py mapping_diff_adopting.py outside.py prove.py prove_lost.py rehearsal.py rejected*.py \
	run.py run_bad_rows.py select.py send.py siblings.py small_trials.py split.py stragglers.py stubs.py sweep.py teams.py \
	together.py trouble.py undo.py undo_faults.py unique_moves.py unwritten.py wins.py workers.py)
LOCK := build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(UPGRADE) pyproject.toml

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: $(VENV)/runtime ## the main job on a made-up company: 103,000 records, into the folder demo/, made anew
	@$(BIN)/python -m compileall -q $(OURS)
	@rm -rf demo
	$(BIN)/changeover demo demo

.PHONY: test
test: lint pytest ## format, lint, types, then the tests (WORKERS=3 at a time)

.PHONY: pytest
pytest: $(VENV)/dev ## the tests, without the linters
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 20

.PHONY: torture
torture: $(VENV)/dev ## every fault at every call, every death, pairs at random (CHANGEOVER_TEST_PAIRS=100)
	$(BIN)/python -m pytest -m torture --numprocesses $(WORKERS) --dist worksteal

# What cannot be had is told, and its tests skip.
.PHONY: judges
judges: $(VENV)/dev ## clients of Salesforce's API that others wrote, against our simulator of it
	@-$(MAKE) --no-print-directory --keep-going $(JUDGES)/npm/installed $(JUDGES)/python/installed
	$(BIN)/python -m pytest -m judges

# All within the tests' own processes, so that it takes minutes: without those that kill the real command.
.PHONY: coverage
coverage: $(VENV)/dev ## which branches of ledger, recovery and loader no test takes
	@mkdir -p build && rm -f build/coverage*
	CHANGEOVER_TEST_TRIALS=200 $(BIN)/python -m coverage run -m pytest --numprocesses $(WORKERS) --dist worksteal $(COVERING)
	@$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

.PHONY: lint
lint: $(VENV)/dev ## ruff (format and rules) and mypy, strict
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@$(MAKE) --no-print-directory types

# mypy follows no import hook, so the root is shown to it as a real folder named like the package.
.PHONY: types
types: $(VENV)/dev ## mypy alone
	@rm -rf $(TYPING) && mkdir -p $(TYPING)/changeover
	@ln -s $(foreach each,$(OURS) py.typed,"$(CURDIR)/$(each)") $(TYPING)/changeover/
	cd $(TYPING) && ../../$(BIN)/python -m mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache -p changeover

.PHONY: format
format: $(VENV)/dev ## put the code in order, as far as ruff can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(VENV)/dev ## SQLite to PostgreSQL against the bare copy (BENCH="--scale 10" and others: see benchmarks/)
	@$(BIN)/python -m compileall -q $(OURS)
	$(BIN)/python benchmarks/run.py $(BENCH)

.PHONY: bench-transforms
bench-transforms: $(VENV)/dev ## a mapping of 22 fields against the same work by hand in pandas
	$(BIN)/python benchmarks/transforms.py $(BENCH)

.PHONY: lock
lock: build/lock/bin/uv ## the lock files anew; UPGRADE=--upgrade takes the newest versions
	$(LOCK) --extra cluster --extra postgres --extra mysql --group build --output-file requirements.lock
	$(LOCK) --all-extras --group dev --constraints requirements.lock --output-file requirements-dev.lock

.PHONY: clean
clean: ## remove what make made, but not the demo's folder
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache changeover.egg-info

$(JUDGES)/npm/installed: $(JUDGED)/package.json
	@command -v npm >/dev/null || { echo "npm is missing: sf and sfdmu judge nothing"; exit 1; }
	@echo "Setting up $(@D) (a few minutes)"
	@mkdir -p $(@D) && cp $< $(@D)/
	@cd $(@D) && npm install --no-audit --no-fund --loglevel=error
	@touch $@

$(JUDGES)/python/installed: $(JUDGED)/requirements.txt | $(BIN)/python
	@echo "Setting up $(@D) (a minute or two)"
	@$(BIN)/python -m venv $(@D)
	@$(@D)/bin/python -m pip --disable-pip-version-check install --quiet --no-compile --requirement $<
	@touch $@

build/lock/bin/uv: | $(BIN)/python
	@$(BIN)/python -m venv build/lock
	@build/lock/bin/python -m pip --disable-pip-version-check install --quiet uv

$(VENV)/runtime: requirements.lock pyproject.toml setup.py | $(BIN)/python
	@echo "Setting up $(VENV) (a minute or two)"
	@$(INSTALL) requirements.lock
	@$(INSTALL_OURSELVES)
	@touch $@

$(VENV)/dev: requirements-dev.lock pyproject.toml setup.py | $(BIN)/python
	@echo "Setting up $(VENV) with the tools for tests (a minute or two)"
	@$(INSTALL) requirements-dev.lock
	@$(INSTALL_OURSELVES)
	@touch $@

$(BIN)/python:
	@"$(PYTHON)" -c '$(SUITABLE)' 2>/dev/null || { \
		echo "Changeover needs Python 3.11 to 3.14, and none was found (asked: $(or $(PYTHON),python3))."; \
		echo "Install one, then type: make $(or $(MAKECMDGOALS),test) PYTHON=/path/to/python3"; exit 2; } >&2
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu its part is a package of its own."; \
		echo "Type: apt-get install python3-venv"; echo "then: make $(or $(MAKECMDGOALS),test)"; exit 2; } >&2
