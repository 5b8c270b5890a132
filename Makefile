# Two commands for a fresh machine: `make serve` and `make test`.
# Targets: serve test lint coverage bench soak clean

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
INI ?= development.ini
SHELL = /bin/bash

# Of these tests those that measure time or memory, marked as alone, have the machine for themselves.
OTHERS = not soak and not live

.PHONY: serve test lint coverage packages bench soak clean

serve: $(VENV)/.serve
	$(BIN)/pserve $(INI)

test: packages $(VENV)/.test lint
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not alone and $(OTHERS)"
	$(BIN)/python -m pytest -m "alone and $(OTHERS)"

# The same with the lines and branches that no test reaches; takes a third longer.
coverage: packages $(VENV)/.test
	$(BIN)/python -m coverage run -m pytest
	$(BIN)/python -m coverage report

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# System packages that the tests need; installed only where this user may.
packages:
	@tests/packages.sh

bench: packages $(VENV)/.test
	@command -v wrk >/dev/null || tests/packages.sh wrk
	$(BIN)/python -m benchmarks

soak: packages $(VENV)/.test
	$(BIN)/python -m pytest tests -m soak -o addopts="--import-mode=importlib --strict-markers"

# Debian's python3 comes without ensurepip; the second attempt has it installed where that is allowed.
$(VENV)/.serve: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || tests/packages.sh python3-venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[watch]'
	@touch $@

$(VENV)/.test: $(VENV)/.serve plugins/*/setup.cfg
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	for plugin in plugins/*/; do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable "$$plugin" || exit 1; \
	done
	@touch $@

clean:
	rm -rf $(VENV) .cache build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
