# Each target does its own set-up: a virtual environment in .venv, packages in the exact versions of constraints.txt.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SOURCES := src tests bench scripts

.PHONY: demo test lint bench screenshots clean help

help:
	@echo "make demo   train on synthetic phantoms and serve the page on http://127.0.0.1:8080"
	@echo "make test   lint, types, layers and every test"
	@echo "make lint   lint, types and layers only"
	@echo "make bench  the figures of the README, on this machine"
	@echo "make screenshots  the pictures of the documents, from BUNDLE and SAMPLES (those of make demo)"

$(BIN)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("lince needs Python 3.11 or newer; set PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(BIN)/.installed-dev: $(BIN)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(BIN)/.installed
	$(BIN)/lince demo $(DEMO_FLAGS)

lint: $(BIN)/.installed-dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

# Two files at a time, each with one thread: what the tests compute is too small to share.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term

bench: $(BIN)/.installed-dev
	$(BIN)/python -m bench

# Pictures of the documents, from a bundle and a folder of samples that exist (`make demo` leaves both).
BUNDLE ?= lince-demo/bundle-fast
SAMPLES ?= lince-demo/samples

screenshots: $(BIN)/.installed-dev
	$(BIN)/python scripts/screenshots.py $(BUNDLE) $(SAMPLES)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .coverage* build
