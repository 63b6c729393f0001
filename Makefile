# Every target makes its own virtual environment first; nothing has to be installed by hand but Python (with venv) and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Installed first and by its exact pin: where pip finds a CPU wheel of it (PIP_FIND_LINKS, PIP_EXTRA_INDEX_URL), it takes that one.
TORCH := torch==2.13.0
RUNTIME := server,tflite,tensorflow
DEVELOPMENT := $(RUNTIME),postgres,dev
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test check format protos examples clean

help:
	@echo "make demo       tune a real DNN on this machine"
	@echo "make test       run the tests"
	@echo "make check      lint, types, direction of imports, generated code"
	@echo "make examples   run every example as written"
	@echo "make format     format the code"
	@echo "make protos     generate the protocol code anew"
	@echo "make clean      remove the virtual environment and caches"

$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %s" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.runtime: $(VENV)/.python pyproject.toml constraints.txt
	@echo "Installing what the tuner needs (once; a few minutes) ..."
	$(INSTALL) $(TORCH)
	$(INSTALL) --editable '.[$(RUNTIME)]'
	touch $@

$(VENV)/.development: $(VENV)/.runtime
	@echo "Installing what the tests need (once) ..."
	$(INSTALL) --editable '.[$(DEVELOPMENT)]'
	touch $@

demo: $(VENV)/.runtime
	@echo "Training and converting the models (once; about a minute) ..."
	@TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/python -m tuner_workers.workloads.tflite.prefetch
	$(BIN)/tuner run examples/quickstart.yaml

test: $(VENV)/.development
	$(BIN)/pytest

check: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python protos/generate.py --verify

examples: $(VENV)/.development
	$(BIN)/python examples/run_all.py

format: $(VENV)/.development
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

protos: $(VENV)/.development
	$(BIN)/python protos/generate.py

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build dist
