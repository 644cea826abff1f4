# Lastgang. `make demo` and `make test` need Python 3.11, make and the package registries.
SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PY := .venv/bin/python

.PHONY: test
test: .venv/ready
	$(PY) -m pytest -m "not soak and not browser"

.venv/ready: requirements.txt requirements-dev.txt constraints.txt
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@
