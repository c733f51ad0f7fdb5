# Every target does its own set-up: only Python >= 3.11 with pip and venv, and make, are needed.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
.DEFAULT_GOAL := help

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

##@ Set-up (called by the others)
setup-run:  ## Install what is needed to run: environment, pinned packages, browser files, ffmpeg
	@$(PYTHON) tools/setup.py run
setup-dev:  ## The same and what checks and tests need: tools, Chromium, PostgreSQL, a Chinese font
	@$(PYTHON) tools/setup.py dev

##@ Try it
demo: setup-run  ## A living city on this machine: centre, two edges, simulated sites, films, accounts
	@$(VENV)/bin/yuanjiao demo $(ARGS)
dev: setup-dev  ## A solo server for development on http://127.0.0.1:8000, restarted on change
	@$(VENV)/bin/yuanjiao serve --reload $(ARGS)

##@ Work on it
check: setup-dev  ## Lint, format, types, import contracts, migrations, documents, sizes
	@$(PY) tools/check.py
fix: setup-dev  ## Repair what the linters can repair
	@$(VENV)/bin/ruff check --fix src tests tools bench ; $(VENV)/bin/ruff format src tests tools bench
test: setup-dev  ## All tests on SQLite and on PostgreSQL, with real processes and a real browser
	@$(PY) tools/test.py $(ARGS)
clauses: setup-dev  ## The table of requirement clauses and the tests that show them
	@$(PY) tools/clauses.py
bench: setup-dev  ## Measure speed against floors in the same run; writes build/bench.json
	@$(PY) -m bench $(ARGS)
judge: setup-dev  ## Put the findings beside a simulated truth, 3,000 sites for 30 days; writes docs/judge.md
	@$(PY) -m yuanjiao.wiring simulate judge --seed 2026 --out docs/judge.md $(ARGS)
docs: setup-dev  ## Write the generated pages: settings, command line, screenshots list
	@$(PY) tools/docs.py
screenshots: setup-dev  ## Take the screenshots of the README from a running demo
	@$(PY) tools/screenshots.py
lock: setup-dev  ## Renew the lock files (versions and hashes, no download hosts)
	@$(PY) tools/lock.py

.PHONY: help setup-run setup-dev demo dev check fix test clauses bench judge docs screenshots lock
