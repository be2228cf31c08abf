"""A release shows what a student needs and nothing that answers; planted leaks are found."""

import json
import re
import zipfile

import jupytext
import nbformat
import pytest

from helpers.course import releases, sources


@pytest.fixture
def pair(small, release):
    return sources.read(small), nbformat.read(release, as_version=4)


def cell(notebook, label):
    return next(cell for cell in notebook.cells if sources.identity(cell) == label)


def test_jupyterlab_opens_a_release(release):
    manager = jupytext.TextFileContentsManager(root_dir=str(release.parent))
    assert manager.get(release.name)["content"]["cells"]


def test_a_release_is_clean_and_planted_leaks_are_found(pair):
    master, released = pair
    assert releases.leaks(master, released) == []
    assert cell(released, "walk").source.endswith("# YOUR CODE HERE\n    raise NotImplementedError()")
    assert cell(released, "why").source == "YOUR ANSWER HERE"
    assert "assert msd(steps_um) > 0" in cell(released, "msd-tests").source
    assert all(word not in json.dumps(released) for word in ("_steps_um.var()", "Marking scheme", "np.cumsum"))

    def planted(change, words):
        copy = nbformat.from_dict(json.loads(json.dumps(released)))
        change(copy)
        assert any(re.search(words, leak) for leak in releases.leaks(master, copy)), words

    planted(lambda n: cell(n, "walk").update(source=cell(master, "walk").source), "mark 'BEGIN SOLUTION'")
    planted(lambda n: cell(n, "walk").update(source="x = np.concatenate([[0.0], np.cumsum(steps)])"), "no stub")
    planted(lambda n: n.cells[0].update(source="# return np.concatenate([[0.0], np.cumsum(steps)])"), "secret line")
    planted(lambda n: n.cells[0].update(source="Because a drift moves every particle the same way."), "secret line")
    planted(lambda n: cell(n, "msd-tests").update(source=cell(master, "msd-tests").source), "mark 'BEGIN HIDDEN")
    planted(
        lambda n: cell(n, "msd-tests").update(source="_ones = np.ones(7)\n_a_ = 1"), "secret line is left: '_ones ="
    )
    planted(lambda n: cell(n, "why").update(source="The drift."), "not blank")
    planted(lambda n: n.cells.remove(cell(n, "mean-tests")), "'mean-tests' is missing")
    planted(lambda n: n.cells[1].update(execution_count=1), "outputs are left")


def test_a_flawed_master_is_not_released(small, tmp_path):
    path = sources.master(small)
    path.write_text(path.read_text().replace('"locked": true}\nassert msd', '"locked": false}\nassert msd'))
    with pytest.raises(ValueError, match="a90: tests 'msd-tests' are not locked"):
        releases.release(None, tmp_path / "release")
    assert not (tmp_path / "release").exists()
    with pytest.raises(ValueError, match="there is no assignment 'a91'; there are a90"):
        releases.release(["a91"], tmp_path / "release")


def test_the_bundle_has_the_same_bytes_every_time(small, tmp_path):
    folder = tmp_path / "release"
    with pytest.raises(ValueError, match="no release of a90"):
        releases.bundle(tmp_path / "one.zip", folder)
    (folder / small).mkdir(parents=True)
    (folder / small / "a90.ipynb").write_text("{}")
    one, two = (releases.bundle(tmp_path / name, folder) for name in ("one.zip", "two.zip"))
    assert one.read_bytes() == two.read_bytes()
    assert zipfile.ZipFile(one).namelist() == ["assignments/a90/a90.ipynb"]


def test_the_assignments_of_the_course_are_released_without_leaks(tmp_path):
    made = releases.release(into=tmp_path)
    assert [path.stem for path in made] == sources.assignments()
    assert len(made) >= 1
    with zipfile.ZipFile(releases.bundle(tmp_path / "all.zip", tmp_path)) as packed:
        assert len(packed.namelist()) == len(made)
