# Lastgang. `make demo` and `make test` need Python 3.11, make and the package registries, no more.
SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PY := .venv/bin/python
export PYTHONDONTWRITEBYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help demo test browser screenshots soak rehearsal bench lint format messages constraints sbom audit servers clean

help: ## what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: .venv/ready .venv/languages ## two tenants with readings, served at http://acme.localhost:8000
	@$(PY) manage.py demo

test: .venv/ready .venv/languages ## every test but the long ones and those in a browser
	$(PY) -m pytest -n 2 -m "not soak and not browser"

browser: .venv/ready .venv/languages ## the tests in Chromium
	CHROMIUM="$$(tests/browser/find-chromium)" $(PY) -m pytest -m browser

screenshots: .venv/ready .venv/languages ## the pictures of README and docs, all or those whose names begin with ONLY
	CHROMIUM="$$(tests/browser/find-chromium)" $(PY) -m tests.browser.screenshots $(ONLY)

soak: .venv/ready .venv/languages ## the long trials
	$(PY) -m pytest -m soak

rehearsal: .venv/ready .venv/languages ## the image's steps in an empty root, without a container engine; it needs root
	$(PY) -m pytest -m "soak or not soak" tests/deployment/test_rehearsal.py
	@cat test-results/rehearsal.txt

bench: .venv/ready .venv/languages ## what it costs, as ratios against a baseline in the same run
	$(PY) -m benchmarks

lint: .venv/ready .venv/languages ## ruff, mypy, import-linter, djlint, Django's own checks
	.ci/lint

format: .venv/ready ## put code and templates in their usual form
	$(PY) -m ruff check --fix-only --quiet .
	$(PY) -m ruff format --quiet .
	$(PY) -m djlint --reformat --quiet templates || true

messages: .venv/ready ## bring the translations in line with the words in the code
	$(PY) -m config.translations update

constraints: .venv/ready ## pin what is installed now
	{ echo '# Every package of the environment, transitive ones included. Made by `make constraints`.'; \
	  $(PY) -m pip freeze --exclude pip --exclude setuptools; } > constraints.txt

sbom: .venv/ready ## what the product is made of, as CycloneDX: build/sbom.cdx.json
	@$(PY) -m config.sbom build/sbom.cdx.json

audit: .venv/ready ## known weaknesses of the pinned packages; it asks PyPI
	@.ci/audit

servers: .venv/ready ## how the embedded PostgreSQL and Redis are
	@$(PY) -m config.embedded status

clean: ## remove the environment and the data of demo and tests
	-$(PY) -m config.embedded delete
	rm -rf .venv .lastgang

# One environment for everything, made anew where the pinned packages change.
.venv/ready: requirements.txt requirements-dev.txt constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "Python 3.11 is needed, $(PYTHON) is another one. Set PYTHON=…"; exit 1; }
	@echo "Installing the packages …"
	@"$(PYTHON)" -m venv .venv
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# The translations in the form that the product reads.
.venv/languages: .venv/ready $(wildcard locale/*/*/*.po */locale/*/*/*.po)
	@$(PY) -m config.translations compile
	@touch $@
