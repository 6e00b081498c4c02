# Everything installs itself into .venv; a control plane for tests is built once into a cache folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Half of the tests' time is waiting; each of the two workers has a control plane of its own.
TWO_AT_ONCE := --numprocesses 2 --dist loadfile
# One file that stands for "the environment is as constraints.txt and pyproject.toml say".
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test unit conformance prove lint bench docs format clean control-plane

help:  ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(READY): pyproject.toml constraints.txt
	@echo "setting up $(VENV) (about a minute on a new machine)"
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

control-plane: $(READY)  ## Build the control plane and kustomize for tests and demo (once; cached)
	@$(BIN)/python -m tests.controlplane build

demo: control-plane  ## Build, diff, apply, wait, edit in the cluster, drift report: on a throwaway control plane
	@$(BIN)/python -m tests.demo

test: control-plane  ## All tests, long campaigns as a seeded sample
	@$(BIN)/python -m pytest -m "not prove" $(TWO_AT_ONCE)

unit: $(READY)  ## The tests that need no API server
	@$(BIN)/python -m pytest -m "not prove" tests/unit tests/test_architecture.py

conformance: $(READY)  ## Kustomize's own answers against the native builder, by level and tag
	@$(BIN)/python -m tests.conformance

prove: control-plane  ## The long campaigns, whole; prints the figures we publish
	@$(BIN)/python -m pytest -m prove -s

lint: $(READY)  ## ruff, mypy strict, import-linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: control-plane  ## Ratios against kubectl and kustomize
	@$(BIN)/python -m tests.bench

docs: $(READY)  ## Make the generated reference pages anew
	@$(BIN)/python -m tests.docs_generator

format: $(READY)  ## Let ruff format and fix
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:  ## Remove the environment and caches of this checkout (not the cached control plane)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
