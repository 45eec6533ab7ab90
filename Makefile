# Everything a maintainer needs, by name. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/firstbell.stamp
PIP := $(VENV)/bin/python -m pip --quiet --disable-pip-version-check
PIP_TOOLS := pip-tools==7.6.2

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-rp2 soak lint bench lock clean

help: ## list these targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(STAMP) ## make .venv with everything but the browser, each download checked against its hash

$(STAMP): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "setup: $(PYTHON) is missing. Install it: apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "setup: $$($(PYTHON) -V) is too old, Firstbell needs Python 3.11 or later. Install one, then: make setup PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "setup: Python cannot make a virtual environment here. Install what is missing: apt install python3-venv" >&2; exit 1; }
	@echo "setup: making $(VENV) with $$($(PYTHON) -V)"
	@$(PYTHON) -m venv $(VENV)
	@echo "setup: installing requirements.txt, hash-checked (fetches about 100 MB)"
	@$(PIP) install --require-hashes --requirement requirements.txt
	@echo "setup: installing firstbell from this folder"
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

demo: setup ## start a hub, three terminals, a bell and a pager on this machine; press with the mouse
	@exec $(VENV)/bin/firstbell-hub demo

test: setup ## run the whole suite (installs Debian's Chromium, strace and faketime when they are missing and it may)
	@tests/provide_tools.sh
	@$(VENV)/bin/python tests/suite.py

test-rp2: setup ## run the node's program on MicroPython's release firmware, emulated: FIRSTBELL_RP2_UF2=FILE make test-rp2
	@$(VENV)/bin/python -m tests.rp2

soak: setup ## press 10,000 times while hub, terminals, wire, disk and clock fail, then cut the power 20 times (some 40 minutes)
	@tests/provide_tools.sh power
	@$(VENV)/bin/python -m tests.faults
	@$(VENV)/bin/python -m tests.faults --power-cuts 20

lint: setup ## check style and types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

bench: setup ## measure the hub beside its floor and its peers, with every target's verdict (some three quarters of an hour)
	@tests/provide_tools.sh
	@$(VENV)/bin/python -m tests.bench

lock: ## resolve pyproject.toml and requirements.in anew into requirements.txt (asks the package index)
	@$(PYTHON) -m venv .lock-venv
	@.lock-venv/bin/python -m pip --quiet --disable-pip-version-check install $(PIP_TOOLS)
	@env -u PIP_FIND_LINKS -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND="make lock" \
		.lock-venv/bin/pip-compile --quiet --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links \
		--allow-unsafe --all-extras --upgrade --output-file requirements.txt pyproject.toml requirements.in
	@echo "lock: requirements.txt is new; look at its difference before you commit it"

clean: ## remove .venv and everything else that was made here
	@rm -rf $(VENV) .lock-venv build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
