# Every target sets up what it needs in .venv and may be run again at any time. Python compiles a module when it
# is first imported; pip would compile all 18,000 of the packages', a minute for nothing.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo app test test-all screenshots lint clean

help:
	@echo "make demo   train a horse-to-zebra translator on rendered pictures and look at it (minutes)"
	@echo "make app    open the studio, a page for translating, drawing and batches"
	@echo "make test   run the test suite"
	@echo "make test-all   run the long tests, too"
	@echo "make screenshots   take the pictures of the studio in docs/images, after make demo"
	@echo "make lint   ruff and pyright"
	@echo "make clean  remove .venv; data, runs and outputs stay"

demo: .venv/.installed
	@$(BIN)/translate demo

app: .venv/.installed-app
	@$(BIN)/translate serve

test: .venv/.installed-dev
	@echo "Running the test suite"
	@$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile -m "not slow"

test-all: .venv/.installed-dev
	@$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile

screenshots: .venv/.installed-dev
	@$(BIN)/python -m pytest tests/apps/test_screenshots.py --screenshots docs/images

lint: .venv/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright

clean:
	rm -rf .venv

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "translate needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 2; }
	@echo "Making the virtual environment .venv"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.installed: .venv/.python pyproject.toml
	@echo "Installing translate and what it needs into .venv (PyTorch is large: some minutes)"
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --editable .
	@touch $@

.venv/.installed-app: .venv/.installed pyproject.toml
	@echo "Installing what the studio needs into .venv"
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --editable '.[app]'
	@touch $@

.venv/.installed-dev: .venv/.python pyproject.toml
	@echo "Installing translate, what it can use and the test tools into .venv (PyTorch is large: some minutes)"
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --editable '.[dev]'
	@touch .venv/.installed .venv/.installed-app $@
