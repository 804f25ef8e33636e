# make demo: set up and open the film studio in a browser. make test: set up, lint, and run every test.
# Needs Python 3.11 or newer, make and git. Nothing is installed outside .venv. Another Python: make PYTHON=/path/to/python3
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
UV   := .venv/bin/uv
# Bytecode is kept: a program that is compiled anew at every start takes twice as long to begin, and the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE
SYNC := UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=.venv $(UV) sync --locked --inexact --extra bot --python .venv/bin/python

.PHONY: demo run test chaos lint format docs clean
demo: .venv/.synced
	.venv/bin/nextshot demo

run: .venv/.synced
	.venv/bin/nextshot run

# Many tests wait for a child process or a clock, so twice as many run as there are cores: make test WORKERS=0 runs one by one.
WORKERS ?= 4

test: lint
	.venv/bin/pytest -n $(WORKERS) --dist loadfile

lint: .venv/.synced-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/python -m tests.secret_scan
	.venv/bin/mypy

format: .venv/.synced-dev
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

# Real kills, for about half an hour, and leaps of the clock where libfaketime is installed.
# make chaos, or make chaos CHAOS="--jobs 100 --kills 20 --seed 7".
CHAOS ?= --jobs 1000 --kills 200

chaos: .venv/.synced-dev
	.venv/bin/python -m tests.chaos $(CHAOS)
	.venv/bin/python -m tests.chaos --processes 2 --jobs 150 --kills 40

# The tables of docs/providers.md, from the catalogs.
docs: .venv/.synced-dev
	.venv/bin/python -m docs.providers_table

# Made again from nothing: a .venv whose set-up was broken off, whose folder was moved, or whose Python is gone.
ifneq ($(shell test ! -e .venv/.unfinished && test "$$(cat .venv/.synced 2>/dev/null || pwd -P)" = "$$(pwd -P)" && \
	.venv/bin/python -c pass 2>/dev/null && echo whole),whole)
.PHONY: $(UV)
endif

# uv itself lives in the virtual environment. pip is there only to bring it.
$(UV):
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "Nextshot needs Python 3.11 or newer: install it, or say where it is with make PYTHON=/path/to/python3." >&2; exit 1; }
	@echo "Setting up .venv with $$("$(PYTHON)" --version): the first time takes a minute or two."
	@"$(PYTHON)" -m venv --clear --without-pip .venv
	@touch .venv/.unfinished
	@if .venv/bin/python -m ensurepip >/dev/null 2>&1; then pip=".venv/bin/python -m pip"; \
	elif "$(PYTHON)" -m pip --version >/dev/null 2>&1; then pip="$(PYTHON) -m pip --python .venv/bin/python"; \
	else echo "This Python has neither ensurepip nor pip: install the package python3-venv (apt-get install python3-venv) and" \
		"try again." >&2; exit 1; fi; \
	$$pip install --quiet --disable-pip-version-check 'uv>=0.9'

.venv/.synced: $(UV) pyproject.toml uv.lock
	$(SYNC) --no-dev
	@pwd -P > $@ && rm -f .venv/.unfinished

.venv/.synced-dev: .venv/.synced
	$(SYNC)
	@touch $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis
