"""The workflows do what CONTRIBUTING says, with no more rights than they need."""

import re
import tomllib

import pytest
import yaml

from helpers.common import data
from helpers.common.places import ROOT
from helpers.doctor import browser

FOLDER = ROOT / ".github" / "workflows"
WORKFLOWS = {path.name: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yml"))}
JOBS = [(name, job, spec) for name, workflow in WORKFLOWS.items() for job, spec in workflow["jobs"].items()]


def commands(name):
    return [step["run"] for job in WORKFLOWS[name]["jobs"].values() for step in job["steps"] if "run" in step]


def test_there_are_four():
    assert list(WORKFLOWS) == ["full.yml", "newest.yml", "publish.yml", "tests.yml"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_rights_are_read_only_and_runs_do_not_pile_up(name):
    workflow = WORKFLOWS[name]
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    assert "secrets" not in (FOLDER / name).read_text()


@pytest.mark.parametrize(("name", "job", "spec"), JOBS)
def test_every_job_ends(name, job, spec):
    assert 0 < spec["timeout-minutes"] <= 60
    rights = {"pages": "write", "id-token": "write"} if (name, job) == ("publish.yml", "deploy") else None
    assert spec.get("permissions") == rights


def test_every_action_is_official_and_has_a_version():
    used = [step["uses"] for _, _, spec in JOBS for step in spec["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", action) for action in used)


def test_tests_run_the_one_command_on_every_python():
    assert set(commands("tests.yml")) == {"bash .ci/run"}
    jobs = WORKFLOWS["tests.yml"]["jobs"]
    pythons = jobs["linux"]["strategy"]["matrix"]["python"]
    oldest = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"].removeprefix(">=")
    assert pythons[0] == oldest
    assert len(pythons) == 3
    assert jobs["macos"]["runs-on"] == "macos-latest"


def test_newest_knows_no_constraints():
    assert "constraints" not in " ".join(commands("newest.yml"))
    assert WORKFLOWS["newest.yml"][True]["schedule"]  # YAML reads the key `on` as true
    assert commands("newest.yml")[-1] == "python -m helpers test"


def test_the_full_profile_of_every_lesson_runs_on_a_schedule():
    assert WORKFLOWS["full.yml"][True]["schedule"]
    assert commands("full.yml") == ["make setup", ".venv/bin/python -m helpers run --profile full"]


def test_publish_fetches_licensed_data_before_it_builds_and_uploads_the_site():
    setup, fetch, book = commands("publish.yml")
    assert (setup, book) == ("make setup", "make book")
    *_, first, second = fetch.split()
    cards = {name: (ROOT / "data" / "cards" / f"{name}.md").read_text() for name in data.datasets()}
    assert {first, second} == {name for name, card in cards.items() if "| Licence | none" not in card}
    upload = WORKFLOWS["publish.yml"]["jobs"]["build"]["steps"][-1]
    assert upload["with"]["path"] == "build/site/_build/html"


def test_ci_run_looks_for_browsers_the_tests_know():
    named = re.findall(r"command -v (\S*chrom\S*)", (ROOT / ".ci" / "run").read_text())
    assert named
    source = browser.__code__.co_consts
    known = {name for const in source for name in (const if isinstance(const, tuple) else [const])}
    assert set(named) <= known


def test_pre_commit_hooks_need_no_network():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    hooks = config["repos"][0]["hooks"]
    assert {hook["id"] for hook in hooks} == {"ruff-check", "ruff-format", "pairs"}
    assert {hook["language"] for hook in hooks} == {"system"}
