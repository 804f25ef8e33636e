# make demo: set up and open the film studio in a browser. make test: set up, lint, and run every test.
PYTHON ?= python3
UV_BIN := .venv/bin/uv
STAMP  := .venv/.synced

.PHONY: demo run test lint format types clean bench
demo: $(STAMP)
	.venv/bin/nextshot demo

run: $(STAMP)
	.venv/bin/nextshot run

test: lint
	.venv/bin/pytest

lint: $(STAMP)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: $(STAMP)
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

# uv itself lives in the virtual environment, so nothing is installed outside this folder.
$(UV_BIN):
	$(PYTHON) -c 'import sys; sys.exit("nextshot needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'

$(STAMP): $(UV_BIN) pyproject.toml uv.lock
	UV_PROJECT_ENVIRONMENT=.venv $(UV_BIN) sync --locked --quiet --inexact --extra bot --python .venv/bin/python
	@touch $(STAMP)

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
