# make demo and make test do everything on a machine that has Python 3.12 or newer.
.DEFAULT_GOAL := help
.PHONY: help demo test lint style docs kernels bench bench-pages outputs clean

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
BENCH_STAMP := $(VENV)/installed-bench
DOCS_STAMP := $(VENV)/installed-docs
PYTEST_ARGS ?= -n auto --maxprocesses 8 --dist worksteal
# What is installed: this folder, so that changes in it count at once, or a built wheel.
PACKAGE ?= --editable .

# A name that exists may still not run (pyenv's shims), so every candidate is asked.
PYTHONS := $(PYTHON) python3.13 python3.14 python3.12 python3 python \
  $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.*/bin/python3)
GOOD_ENOUGH := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 12))

help:
	@echo 'make demo        set up, then estimate a bundled story'
	@echo 'make test        set up, then run every test (PYTEST_ARGS=... for other options)'
	@echo 'make lint        set up, then ruff and mypy'
	@echo 'make style       set up, then count lengths, names and types by room'
	@echo 'make bench       set up, then compare with other tools (BENCH_ARGS=... for options)'
	@echo 'make bench-pages set up, then time pages and live answers beside an estimate'
	@echo 'make docs        set up, then build the pages under docs/ as a site, in docs/_build'
	@echo 'make kernels     set up, then compile what numba compiles, which make test does otherwise'
	@echo 'make outputs     set up, then renew the output that README.md and docs/ show'
	@echo 'make clean       remove what the other targets made'

demo: $(STAMP)
	$(BIN)/storyodds estimate rlhf-assistant

# Each of pytest's workers has a core: threads of one's linear algebra would wait for the others'.
test: $(STAMP)
	OPENBLAS_NUM_THREADS=1 $(BIN)/pytest $(PYTEST_ARGS)

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

style: $(STAMP)
	cd tests && ../$(BIN)/python -m support.style

bench: $(BENCH_STAMP)
	$(BIN)/python benchmarks/run.py $(BENCH_ARGS)

bench-pages: $(STAMP)
	$(BIN)/python benchmarks/pages.py $(BENCH_ARGS)

docs: $(DOCS_STAMP)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -q docs docs/_build

outputs: $(STAMP)
	$(BIN)/python docs/fill.py

# Numba keeps what it compiles beside the package: once here, or else in each of pytest's workers.
kernels: $(STAMP)
	$(BIN)/storyodds estimate coinrun-agent --method nuts >/dev/null
	$(BIN)/storyodds sensitivity coinrun-agent >/dev/null
	$(BIN)/pytest -q tests/test_doctests.py -k 'gate_forests or gate_sets or forest_odds'

clean:
	rm -rf $(VENV) docs/_build build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@for python in $(PYTHONS); do \
	  if "$$python" -c '$(GOOD_ENOUGH)' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo 'storyodds needs Python 3.12 or newer with its venv module, and found none.' >&2; \
	  echo 'Install one (on Debian and Ubuntu: apt install python3 python3-venv), or name one:' >&2; \
	  echo '  make PYTHON=/path/to/python3.13 $(MAKECMDGOALS)' >&2; \
	  exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$found"; \
	"$$found" -m venv $(VENV)

$(STAMP): pyproject.toml | $(BIN)/python
	@echo 'Installing storyodds and what it needs; the first time takes a minute or two'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PACKAGE)'[dev]'
	@touch $@

# The benchmark says which tools are missing, so it is run without those that do not install.
$(BENCH_STAMP): $(STAMP)
	@echo 'Installing the tools to compare with; this takes a minute or two'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PACKAGE)'[bench]' \
	  && touch $@ || echo 'Not all of them could be installed; going on without them' >&2

$(DOCS_STAMP): $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PACKAGE)'[docs]'
	@touch $@
