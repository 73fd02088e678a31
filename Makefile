# Everything a fresh machine needs: Python 3.11-3.13, make and a shell.  `make help` lists the commands.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo demo-migration chromium test up check format lock env clean

# Without cached bytecode, every one of Airflow's processes compiles thousands of modules anew.
unexport PYTHONDONTWRITEBYTECODE

UV_VERSION := 0.13.9
VENV := .venv
PYTHON := $(VENV)/bin/python
# The first interpreter of a supported version that can also make virtual environments.
FIND_PYTHON = for p in $(PYTHON_BIN) python3 python3.12 python3.11 python3.13 python; do \
	if $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; \
	then command -v $$p; break; fi; done

# A stamp is named after the content of what it installed, so an unchanged checkout starts at once.
checksum = $(firstword $(shell cat Makefile $(1) | cksum))
RUNTIME_STAMP := $(VENV)/.runtime-$(call checksum,requirements.txt)
DEV_STAMP := $(VENV)/.dev-$(call checksum,requirements-dev.txt)

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: $(RUNTIME_STAMP) ## make the virtual environment for running the product

setup-dev: $(DEV_STAMP) ## the same, with what the tests and checks need

demo: $(RUNTIME_STAMP) ## run the whole product on demo data and prove what it did
	@PYTHONPATH=. exec $(PYTHON) -m include.demo.run

demo-migration: $(RUNTIME_STAMP) ## move a legacy organisation to this integration and prove it
	@PYTHONPATH=. exec $(PYTHON) -m include.demo.legacy_run

up: $(RUNTIME_STAMP) ## local org, booking database and Airflow with its UI, until Ctrl-C
	@PYTHONPATH=. exec $(PYTHON) -m include.local_stack up

env: $(RUNTIME_STAMP) ## print the exports for using `airflow` by hand: eval "$$(make -s env)"
	@PYTHONPATH=. exec $(PYTHON) -m include.local_stack env

test: $(DEV_STAMP) chromium ## pass the whole test suite
	@exec $(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

# Debian's own: a browser that a Python package would download is not to be had everywhere.
chromium:
	@for browser in chromium chromium-browser google-chrome; do \
		if command -v $$browser >/dev/null; then exit 0; fi; done; \
	if [ "$$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then \
		echo "The tests look at Airflow's UI with Chromium: sudo apt-get install chromium" >&2; exit 1; fi; \
	echo "Installing Chromium with apt-get (once)" >&2; \
	apt-get update -qq >&2 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >&2

check: $(DEV_STAMP) ## lint, types, import contracts
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@PYTHONPATH=. $(VENV)/bin/lint-imports
	@$(VENV)/bin/codespell

format: $(DEV_STAMP) ## rewrite the code the way `make check` wants it
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

lock: $(VENV)/.uv-$(UV_VERSION) ## resolve pyproject.toml into requirements*.txt
	$(VENV)/bin/uv pip compile -q --system-certs --universal --python-version 3.11 --custom-compile-command "make lock" \
		--no-emit-index-url pyproject.toml -o requirements.txt
	$(VENV)/bin/uv pip compile -q --system-certs --universal --python-version 3.11 --custom-compile-command "make lock" \
		--no-emit-index-url --constraint requirements.txt pyproject.toml --group dev -o requirements-dev.txt

clean: ## forget the local stack's state (not the virtual environment)
	rm -rf .run

$(VENV)/.uv-$(UV_VERSION):
	@python=$$($(FIND_PYTHON)); \
	if [ -z "$$python" ]; then \
		echo "No Python 3.11, 3.12 or 3.13 with venv was found: install one, or name it: make PYTHON_BIN=/path/to/python" >&2; exit 1; fi; \
	[ -x $(PYTHON) ] || { echo "Making $(VENV) with $$python" >&2; "$$python" -m venv $(VENV); }
	@$(PYTHON) -m pip install -q --disable-pip-version-check uv==$(UV_VERSION) >&2
	@touch $@

# pip is the second way for networks where only pip was told about a mirror or a certificate.
install = echo "Installing $(1) from PyPI (once)" >&2; \
	$(VENV)/bin/uv pip install -q --system-certs --compile-bytecode --python $(PYTHON) -r $(1) >&2 \
	|| $(PYTHON) -m pip install -q --disable-pip-version-check -r $(1) >&2

$(RUNTIME_STAMP): $(VENV)/.uv-$(UV_VERSION) | requirements.txt
	@$(call install,requirements.txt)
	@rm -f $(VENV)/.runtime-*; touch $@

$(DEV_STAMP): $(VENV)/.uv-$(UV_VERSION) | requirements-dev.txt
	@$(call install,requirements-dev.txt)
	@rm -f $(VENV)/.dev-* $(VENV)/.runtime-*; touch $@ $(RUNTIME_STAMP)
