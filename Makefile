# Everything a person runs here. `make` alone lists it; each target does its own set-up the first time.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEMO   := silent_firewall
PARALLEL := --numprocesses auto --maxprocesses 8 --dist loadfile
LAB    := iproute2 nftables conntrack tcpdump nginx-light haproxy openssl

.DEFAULT_GOAL := help
.PHONY: help demo test quick lint format bench lab clean system

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## analyse a bundled capture: the answer here, the timeline in demo/timeline.html
	@mkdir -p demo
	@$(BIN)/directpush analyze samples/$(DEMO).pcap --keylog samples/$(DEMO).keys --html demo/timeline.html
	@echo
	@echo "The timeline is in demo/timeline.html: open it in a browser."

test: $(READY) system ## every test (installs tshark, chromium, openssl and wbxml2xml where that is allowed)
	@$(BIN)/python -m pytest -m "not bench" $(PARALLEL)
	@$(BIN)/python -m pytest -m bench

quick: $(READY) ## the tests that need nothing else and take little time each
	@$(BIN)/python -m pytest -m "not slow and not tshark and not browser and not bench" $(PARALLEL)

lint: $(READY) ## ruff, the type checker and the import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(READY) ## put the code into the one format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(READY) system ## speed and memory against tshark, full size (4 GB of disk, 10 minutes)
	@DIRECTPUSH_BENCH_SCALE=1 $(BIN)/python -m pytest -m bench -s tests/bench

lab: $(READY) ## record labelled captures of every death and print how many are told right (root; 90 seconds)
	@sh .ci/system-packages $(LAB)
	@$(BIN)/python -m samples.lab record --into build/lab
	@$(BIN)/python -m samples.lab.confusion build/lab --markdown build/lab/confusion.md

clean: ## remove what make made
	@rm -rf $(VENV) demo build *.egg-info dissectors/native/*.c dissectors/native/*.so .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

system:
	@sh .ci/system-packages tshark chromium openssl libwbxml2-utils

$(READY): pyproject.toml $(wildcard dissectors/native/*.py*)
	@sh .ci/environment "$(PYTHON)" "$(VENV)"
	@touch $@
