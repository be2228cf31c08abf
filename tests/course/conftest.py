"""A small assignment, quick to grade, and the students who answer it."""

import nbformat
import pytest

from helpers.course import releases, sources

MASTER = '''# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Measure a walk

# %%
STUDENT_ID = "reference"  # the name of your folder

# %% nbgrader={"grade_id": "setup", "locked": true}
import numpy as np

from helpers.course import students

steps_um = students.rng(STUDENT_ID, "a90").normal(size=100)

# %% nbgrader={"grade_id": "walk", "solution": true}
def walk(steps):
    """Return the positions of a walk that starts at 0."""
    ### BEGIN SOLUTION
    return np.concatenate([[0.0], np.cumsum(steps)])
    ### END SOLUTION


# %% nbgrader={"grade_id": "walk-tests", "grade": true, "points": 2, "locked": true}
assert len(walk(steps_um)) == 101, "a walk of 100 steps has 101 positions"
### BEGIN HIDDEN TESTS
_ones = np.ones(7)
np.testing.assert_allclose(walk(_ones), np.arange(8.0), err_msg="equal steps give a straight line")
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "msd", "solution": true}
def msd(steps):
    """Return the mean squared step."""
    ### BEGIN SOLUTION
    return float((np.asarray(steps) ** 2).mean())
    ### END SOLUTION


# %% nbgrader={"grade_id": "msd-tests", "grade": true, "points": 3, "locked": true}
assert msd(steps_um) > 0, "a square is positive"
### BEGIN HIDDEN TESTS
_steps_um = np.random.default_rng().normal(3.0, 1.0, 1000)
assert np.isclose(msd(2 * _steps_um), 4 * msd(_steps_um)), "twice the step has four times the square"
assert np.isclose(msd(_steps_um), _steps_um.var() + _steps_um.mean() ** 2), "the drift counts, too"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "mean", "solution": true}
### BEGIN SOLUTION
mean_step_um = float(steps_um.mean())
### END SOLUTION

# %% nbgrader={"grade_id": "mean-tests", "grade": true, "points": 1, "locked": true}
assert isinstance(mean_step_um, float), "one number is wanted"
### BEGIN HIDDEN TESTS
assert np.isclose(mean_step_um, students.rng(STUDENT_ID, "a90").normal(size=100).mean()), "this is not your mean step"
### END HIDDEN TESTS

# %% [markdown]
# Why does it matter?

# %% [markdown] nbgrader={"grade_id": "why", "grade": true, "points": 4, "solution": true}
# Because a drift moves every particle the same way.
#
# **Marking scheme.** 4 points for the drift.

# %% nbgrader={"grade_id": "integrity", "grade": true, "points": 0, "locked": true}
from helpers.course import integrity

integrity.check(globals())
'''

GOOD = {
    "walk": "def walk(steps):\n    return np.append(0.0, np.cumsum(steps))",
    "msd": "def msd(steps):\n    return float(np.mean(np.square(steps)))",
    "mean": "mean_step_um = float(sum(steps_um) / 100)",
    "why": "A drift is the same for all.",
}
BLANK = {}
WRONG = {**GOOD, "msd": "def msd(steps):\n    return float(np.var(steps))", "why": ""}


def put_small(place, patch):
    (place / "a90").mkdir(parents=True)
    (place / "a90" / "a90.py").write_text(MASTER)
    patch.setattr(sources, "MASTERS", place)
    return "a90"


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Put one small assignment, a90, in the place of those of the course; return its name."""
    return put_small(tmp_path / "masters", monkeypatch)


@pytest.fixture(scope="session")
def release(tmp_path_factory):
    """Return the path of the release of the small assignment."""
    with pytest.MonkeyPatch.context() as patch:
        name = put_small(tmp_path_factory.mktemp("course") / "masters", patch)
        (path,) = releases.release([name], tmp_path_factory.mktemp("release"))
    return path


@pytest.fixture
def answers():
    """Return the three kinds of students: what each writes into the cells of the assignment."""
    return {"good": GOOD, "blank": BLANK, "wrong": WRONG}


@pytest.fixture
def hand_in(tmp_path):
    """Return ``hand_in(release, student, answers, ...)``, which fills a release and puts it where students do."""

    def write(release, student, given, student_id=None, free="", change=None):
        notebook = nbformat.read(release, as_version=4)
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        first.source = f'STUDENT_ID = "{student_id or student}"'
        for cell in notebook.cells:
            cell.source = given.get(sources.identity(cell), cell.source)
        notebook.cells.insert(len(notebook.cells) - 1, nbformat.v4.new_code_cell(free))
        if change:
            change(notebook)
        path = tmp_path / "handed_in" / student / release.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(notebook))
        return path.parents[1]

    return write
