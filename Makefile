# Learning to See Soft Matter. `make help` lists what there is.
# TORCH_INDEX=https://download.pytorch.org/whl/cpu installs the small CPU build of PyTorch on Linux.

VENV = .venv
PY = $(VENV)/bin/python
STAMP = $(VENV)/installed
TORCH_INDEX ?=
NAME =

.DEFAULT_GOAL := help
.PHONY: help setup book test lab notebooks assignments train data bench mutants faults doctor clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "%-12s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## create .venv and install everything

$(STAMP): pyproject.toml constraints.txt
	@sh .ci/setup "$(VENV)" "$(TORCH_INDEX)"

book: $(STAMP) ## run every notebook in quick, build the book, print where it is
	@$(PY) -m helpers book

test: $(STAMP) ## pass every gate: lint, tests, pairs, notebooks, outputs, book, browser, course
	@$(PY) -m helpers test

lab: $(STAMP) ## open the notebooks in JupyterLab
	@$(PY) -m helpers lab

notebooks: $(STAMP) ## run the notebooks and refresh their committed outputs (NAME=01: one of them)
	@$(PY) -m helpers notebooks $(NAME)

assignments: $(STAMP) ## make the releases of the assignments, without solutions and hidden tests
	@$(PY) -m helpers course release

train: $(STAMP) ## rebuild shipped weights from scratch (NAME=tracks)
	@$(PY) -m helpers train $(NAME) --profile full

data: $(STAMP) ## download and verify the real data sets (NAME=molecule_movies: one of them)
	@$(PY) -m helpers data fetch $(NAME)

bench: $(STAMP) ## measure speed against the named baselines and record it
	@$(PY) -m helpers bench $(NAME)

mutants: $(STAMP) ## plant bugs, one at a time, and see that tests or claims find them (20 minutes)
	@$(PY) -m helpers mutants

faults: $(STAMP) ## kill -9 real work at 50 random moments and see that it ends right (3 minutes)
	@$(PY) -m helpers faults

doctor: $(STAMP) ## print versions, threads, data, disk, expected times
	@$(PY) -m helpers doctor

clean: ## remove everything that was built, the environment too
	rm -rf build notebooks/assignments/release $(VENV) *.egg-info
