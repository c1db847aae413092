# Every target makes the same environment first: .venv with the tested versions of constraints.txt.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEMO   ?= $(shell mktemp -d)/recordkit-demo

.PHONY: demo test slow faults lint types messages coverage mutants bench check clean

$(READY): setup.py pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[all,dev]'
	@touch $@

demo: $(READY)            ## the whole job on the shipped examples, in a scratch folder
	$(BIN)/recordkit demo "$(DEMO)"

test: $(READY)            ## the tests, in parallel, without the slow ones
	$(BIN)/python -m pytest -n 2 -m "not slow"

slow: $(READY)            ## the slow tests: the whole demo with OCR, wheel install
	$(BIN)/python -m pytest -m slow

faults: $(READY)          ## every step of every act on papers stopped in every way, with the matrix
	RECORDKIT_ALL_FAULTS="$(CURDIR)/build/faults.md" $(BIN)/python -m pytest -n 2 tests/faults/test_ingest_killed.py
	@cat build/faults.md

lint: $(READY)
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

messages: $(READY)        ## the Chinese catalogue is complete
	$(BIN)/python tools/messages.py check

coverage: $(READY)        ## every line and branch of the rules is walked through by their nearest tests
	$(BIN)/python tools/mutants.py --coverage

mutants: $(READY)         ## the rules broken one place at a time: a test notices, or mutants.toml says why nobody could
	$(BIN)/python tools/mutants.py

bench: $(READY)           ## side-by-side measurements
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

check: lint types messages test slow   ## all that CI runs

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
