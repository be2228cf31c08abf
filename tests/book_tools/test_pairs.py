import nbformat
import pytest

from helpers.book import lessons, pairs


@pytest.fixture
def notebooks(house, monkeypatch):
    """A folder with two lessons whose pairs agree, their outputs written by hand."""
    folder = house / "pairs"
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    for name in ("01_good", "03_fast"):
        (folder / f"{name}.py").write_bytes((house / f"notebooks/{name}.py").read_bytes())
    for module in (lessons, pairs):
        monkeypatch.setattr(module, "NOTEBOOKS", folder)
    for lesson in lessons.lessons():
        master = lessons.read(lesson.py)
        write(lesson.ipynb, pairs._clean(lessons.read(lesson.py), master))
    return folder


def write(path, notebook):
    path.write_text(nbformat.writes(notebook))


def change(folder, act, name="01_good"):
    """Let ``act`` change the .ipynb of a lesson."""
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    act(notebook)
    write(folder / f"{name}.ipynb", notebook)


def test_pairs_that_agree_are_counted(notebooks):
    assert pairs.check() == 2
    assert sorted(path.name for path in notebooks.iterdir()) == [
        "01_good.ipynb",
        "01_good.py",
        "03_fast.ipynb",
        "03_fast.py",
    ]


def edit_code(notebook):
    notebook.cells[2].source += "\nmore = 1"


def edit_prose(notebook):
    notebook.cells[0].source += " with more words"


def drop_last(notebook):
    notebook.cells.pop()


def add_last(notebook):
    notebook.cells.append(nbformat.v4.new_markdown_cell("more"))


def swap(notebook):
    notebook.cells[-1], notebook.cells[-2] = notebook.cells[-2], notebook.cells[-1]


def change_type(notebook):
    notebook.cells[0] = nbformat.v4.new_raw_cell(notebook.cells[0].source)


def drop_tags(notebook):
    notebook.cells[1].metadata.pop("tags")


@pytest.mark.parametrize(
    ("act", "cell"),
    [(edit_code, 3), (edit_prose, 1), (drop_last, 5), (add_last, 6), (swap, 4), (change_type, 1), (drop_tags, 2)],
)
def test_a_drifted_cell_is_named(notebooks, act, cell):
    change(notebooks, act)
    with pytest.raises(RuntimeError, match=rf"^01_good: cell {cell} differs between \.py and \.ipynb"):
        pairs.check()
    assert pairs.differences(lessons.find(["03"])[0]) == []


def test_an_edited_master_is_found_and_its_outputs_are_stale(notebooks):
    path = notebooks / "01_good.py"
    path.write_text(path.read_text().replace("at_most=2", "at_most=3"))
    assert [line.split(": ")[1].split(";")[0] for line in pairs.differences(lessons.find(["01"])[0])] == [
        "cell 4 differs between .py and .ipynb",
        "the outputs belong to other code",
    ]


@pytest.mark.parametrize("stamp", [None, "0" * 64])
def test_outputs_of_other_code_are_found_though_the_cells_agree(notebooks, stamp):
    """As jupytext --update leaves them: new source, old outputs, old hash."""

    def act(notebook):
        notebook.metadata.pop("code_sha256")
        if stamp:
            notebook.metadata["code_sha256"] = stamp

    change(notebooks, act)
    with pytest.raises(RuntimeError, match=r"^01_good: the outputs belong to other code; run `make notebooks`$"):
        pairs.check()


def test_a_missing_face_is_found_on_either_side(notebooks):
    (notebooks / "01_good.ipynb").unlink()
    with pytest.raises(RuntimeError, match=r"^01_good: there is no 01_good\.ipynb; run `make notebooks`$"):
        pairs.check()
    (notebooks / "01_good.py").unlink()
    assert pairs.check() == 1
    (notebooks / "03_fast.py").rename(notebooks / "04_other.py")
    with pytest.raises(RuntimeError) as caught:
        pairs.check()
    assert str(caught.value).splitlines() == [
        "04_other: there is no 04_other.ipynb; run `make notebooks`",
        "03_fast.ipynb has no .py",
    ]


def test_an_executed_copy_of_another_master_is_not_committed(house):
    master = lessons.read(house / "notebooks/01_good.py")
    other = lessons.read(house / "notebooks/03_fast.py")
    with pytest.raises(RuntimeError, match=r"other cells than the master"):
        pairs._clean(other, master)
