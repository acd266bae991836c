# Firedrill on one machine. `make help` lists the targets; long work tells how far it is.
#
# make flattens every failure to its own exit code 2: scripts and CI call `.venv/bin/firedrill` itself.

override SHELL := /bin/sh
.DEFAULT_GOAL := help
# MAKEFLAGS and the like of the caller would change what the targets do (-n does nothing, -j8 mixes them, MAKEFILES are
# somebody else's rules): with any of them this make only calls itself again, as it was called, without them.
override foreign := $(shell tr '\0' '\n' 2>/dev/null </proc/$$PPID/environ | sed -n 's/^\(MAKEFLAGS\|GNUMAKEFLAGS\|MAKEFILES\|MAKEFILE_LIST\)=..*/\1/p')
ifneq ($(foreign),)
ifneq ($(findstring i,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),)
$(error MAKEFLAGS: got a flag that ignores failures (-i), expected none: env -u MAKEFLAGS make ...)
endif
.PHONY: again $(MAKECMDGOALS)
$(or $(MAKECMDGOALS),help): again ;
again:
	@+exec 3<&0; sed -z '/^\(-C\|--directory\)$$/{N;d}; /^\(-C\|--directory=\)./d' /proc/$$PPID/cmdline | xargs -0 sh -c 'exec "$$@" <&3' - \
	  env -u MAKEFLAGS -u GNUMAKEFLAGS -u MAKEFILES -u MAKEFILE_LIST -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES
else
.NOTPARALLEL:

.PHONY: help install up down status logs reset doctor dashboard scenario test test-extended check bench screenshots lock selftest provision images-local clean-all load-worker

PYTHON ?=
VARIANT ?=
SEED ?=
ARGS ?=
STACK ?=
IMAGES ?=
# A variable that happens to be set where make is called is no wish; what is written after `make` is.
$(foreach name,S P VARIANT SEED ARGS UPGRADE MASTER KEY API,$(if $(filter environment%,$(origin $(name))),$(eval override $(name) :=)))
bin := .venv/bin
python := $(bin)/python -I -X utf8
stack := $(python) -m services.stack
lab := services/stack/lab.sh
export PYTHON STACK IMAGES
ifdef BASE_PORT
export FIREDRILL_BASE_PORT := $(BASE_PORT)
endif
ifdef TOXIPROXY
export FIREDRILL_TOXIPROXY := $(TOXIPROXY)
endif
ifdef GRAFANA
export FIREDRILL_GRAFANA := $(GRAFANA)
endif

help: ## this list
	@echo 'make scenario                      the headline: a flash sale against naive (violated) and hardened (held)'
	@echo 'make scenario S=concurrency/flash-sale VARIANT=attempt SEED=7    one scenario on one variant'
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r name text; do \
	  printf '%-14s %s\n' "$$name" "$$text"; done
	@echo
	@echo 'settings: STACK=local|compose (else: Docker where an engine answers) · BASE_PORT=19000 (remembered) · TOXIPROXY=builtin · GRAFANA=1 · PYTHON=/path/to/python3.12 · ARGS="…" for tests'

install: ## virtual environment with the locked packages (skipped while nothing changed)
	@services/stack/install.sh

provision: install ## get the servers: PostgreSQL, Redis, Toxiproxy, Prometheus
	@$(stack) provision

up: ## start the stack, wait until every part is ready, print the URLs
	@$(lab) up

down: ## end every process or container of the stack; data stays
	@$(lab) down

status: ## each part: process, ready or why not
	@$(lab) status

logs: ## last lines of every log (P=api for one part)
	@P="$(P)" $(lab) logs

reset: ## drop the shop's data; scores and evidence stay
	@$(lab) reset

doctor: ## the mode and why; every part: where found, version, what is missing and how to get it
	@$(lab) doctor

dashboard: ## bring the stack up and open the dashboard
	@$(lab) dashboard

scenario: ## the headline on both variants; S=… [VARIANT=hardened] [SEED=…] runs one scenario
ifdef S
	@$(lab) firedrill run '$(subst ','\'',$(S))' $(if $(VARIANT),--variant $(VARIANT)) $(if $(SEED),--seed $(SEED)) $(ARGS)
else
	@$(lab) firedrill selftest scenarios/concurrency/flash-sale.yaml $(if $(SEED),--seed $(SEED)) $(ARGS)
endif

selftest: ## every scenario against the variants that it names
	@$(lab) firedrill selftest --all $(ARGS)

images-local: ## Compose mode without an image registry: build every image here (root, Debian packages, Go)
	@STACK=compose $(lab) images-local

clean-all: ## remove everything that the lab made, scores and evidence too; asks first
	@$(lab) clean-all

load-worker: install ## on another host: a load worker; MASTER=host:port [KEY=file] [API=url], see docs/operate/scale.md
	@$(if $(MASTER),,echo 'load-worker: got no MASTER, expected MASTER=host:port (docs/operate/scale.md)' >&2; exit 2)
	@$(python) -m loadtests --join $(MASTER) $(if $(KEY),--key-file $(KEY)) $(if $(API),--api $(API)) $(ARGS)

test: install ## the tests (about seven minutes on two cores); what takes longer is in test-extended
	@services/stack/test.sh --numprocesses 3 --dist loadgroup --no-loadscope-reorder -m 'not extended' $(ARGS)

test-extended: install ## what takes longer: load workers elsewhere, every fault on a whole stack, shared servers, a full disk, every theme
	@services/stack/test.sh --numprocesses 3 --dist loadgroup --no-loadscope-reorder -m extended $(ARGS)

check: install ## lint, format, types, import contracts
	@services/stack/check.sh

bench: install ## measure; figures go to stdout
	@for file in bench/*.py; do echo "== $$file"; PYTHONPATH=. $(bin)/python "$$file" $(ARGS) || exit 1; done

screenshots: up ## pictures of every page of the running lab, into docs/images
	@$(bin)/python -P tests/e2e/screenshots.py

lock: ## rewrite the lock files from requirements*.in (hashes, no index address); UPGRADE=--upgrade for newer versions
	@test -x .lab/lock/bin/uv || { python3 -I -m venv .lab/lock && env -u PYTHONPATH .lab/lock/bin/python -I launch/pip.py install --quiet uv; }
	@for name in requirements requirements-dev requirements-scanners requirements-fuzz; do \
	  .lab/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	    --no-emit-index-url $(UPGRADE) $$name.in -o $$name.lock && echo "lock          $$name.lock"; done
endif
