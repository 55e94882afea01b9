# Everything runs in .venv, made on first use. Nothing but Python (3.11 or later), pip and make is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

AZURITE := $(shell sed -n 's/^version: //p' tests/emulator/azurite.yaml)

.PHONY: demo test matrix azurite lint types clean

demo: $(VENV)/.local
	$(BIN)/phift apply configs/quickstart.yaml --auto-approve

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist worksteal

# An apply killed before and after every write, and every write met by every fault; 15 minutes on two quiet cores.
matrix: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'matrix' tests

# Microsoft's storage emulator, from npm: with it `make test` asks the blob tests of both, without it skips that half.
azurite: $(VENV)/bin/python
	npm install --prefix $(VENV)/azurite --no-audit --no-fund --loglevel=error azurite@$(AZURITE)

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

clean:
	rm -rf $(VENV) .phift .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.local: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) -e '.[local]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) -e '.[local,dev]'
	@touch $@ $(VENV)/.local
