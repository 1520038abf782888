# make run, make test: everything else follows. Needs Python 3.11 or newer with venv; name another with PYTHON=…

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
HOST ?= 127.0.0.1
PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help setup run test test-all check types openapi bench faults desk-race fmt clean

help:
	@echo "make run       set up, make the demo bank, serve http://$(HOST):$(PORT)"
	@echo "make test      set up, then lint, types and every test"
	@echo "make test-all  the same, and every conversation over each way to the bank"
	@echo "make setup     the virtual environment with 'teller' in it"
	@echo "make check     look whether every capability has all its parts"
	@echo "make types     check the types of the widget (Node.js with npx; fetches TypeScript once)"
	@echo "make openapi   write the documents of the bank API, our own API and its events anew"
	@echo "make bench     time a turn at half load, step by step; BENCH='--json FILE' keeps the figures"
	@echo "make faults    kill everything for a quarter of an hour and judge what is left; FAULTS=--short for a minute"
	@echo "make desk-race fifty reps race for a thousand customers over two server processes; RACE='--reps 8' for less"
	@echo "make fmt       format the code"
	@echo "make clean     remove the virtual environment and what the demo wrote"

setup: $(VENV)/.serving

run: setup
	@exec $(BIN)/teller serve --host $(HOST) --port $(PORT)

# In the order of the folders, unit tests last: by the number of tests, a file of few slow ones would be left for the end.
test: $(VENV)/.testing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 15

test-all: export TELLER_ALL_STORIES := 1
test-all: test

check: setup
	@$(BIN)/teller check

types:
	@npx --yes --package typescript@5.9.3 tsc --project bot/web/widget/tsconfig.json

openapi: setup
	@$(BIN)/python -m backends.http.server --openapi > docs/openapi/bank.json
	@$(BIN)/python -m bot.documents > docs/openapi/teller.json
	@$(BIN)/python -m bot.documents --async > docs/asyncapi/teller.json

bench: setup
	@$(BIN)/python -m bot.bench $(BENCH)

faults: $(VENV)/.testing
	@$(BIN)/python -m tests.faults $(FAULTS)

desk-race: $(VENV)/.testing
	@$(BIN)/python -m tests.desk_race $(RACE)

fmt: $(VENV)/.testing
	$(BIN)/ruff check --fix --exit-zero .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) var

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv, or make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: apt-get install python3-venv"; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.serving: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing what serving needs (about a minute; no torch)"
	@$(PIP) install --editable . --constraint constraints.txt || { echo "The packages could not be installed: is a Python package index reachable?"; exit 1; }
	@touch $@

$(VENV)/.testing: $(VENV)/.serving
	@echo "Installing what the tests need (torch among it: this takes a few minutes)"
	@$(PIP) install --editable '.[test,train,postgres]' --constraint constraints.txt || { echo "The packages could not be installed: is a Python package index reachable?"; exit 1; }
	@touch $@
