import pytest

from helpers.book import lessons


def names(found):
    return [lesson.name for lesson in found]


def key(name="01_good", profile="quick", **values):
    return lessons.cache_key(lessons.find([name])[0], profile, values)


@pytest.fixture
def edited(house):
    """Return a function that appends to a file of the checkout for the length of a test."""
    before = {}

    def edit(path, text):
        file = house / path
        before.setdefault(file, file.read_bytes() if file.exists() else None)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((before[file] or b"").decode() + text)

    yield edit
    for file, content in before.items():
        file.unlink() if content is None else file.write_bytes(content)


def test_lessons_stand_in_reading_order_with_their_headers(house):
    found = lessons.lessons()
    assert names(found) == ["01_good", "02_bad", "03_fast", "04_slow"]
    assert found[0].header == {"quick_cpu_s": 3, "title": "A lesson"}
    assert found[0].py == house / "notebooks/01_good.py"
    assert found[0].ipynb == house / "notebooks/01_good.ipynb"


def test_a_header_that_is_no_yaml_is_one_line(tmp_path):
    path = tmp_path / "01_colon.py"
    path.write_text("# ---\n# jupyter:\n#   lesson:\n#     question: Light: what is it?\n# ---\n\n# %%\n1\n")
    with pytest.raises(
        ValueError, match=r"^01_colon\.py: the header cannot be read near line 3; is a text with a colon"
    ):
        lessons.read(path)


@pytest.mark.parametrize("name", ["01", "01_good", "01_good.py", "notebooks/01_good.ipynb", "./notebooks/01_good.py"])
@pytest.mark.usefixtures("house")
def test_a_lesson_is_found_by_number_name_and_path(name):
    assert names(lessons.find([name])) == ["01_good"]


@pytest.mark.usefixtures("house")
def test_none_means_all_and_a_lesson_named_twice_is_one():
    assert len(lessons.find([])) == 4
    assert names(lessons.find(["03", "01_good", "01", "03_fast"])) == ["03_fast", "01_good"]


@pytest.mark.parametrize("name", ["05", "good", "0", "1", "", "01_"])
@pytest.mark.usefixtures("house")
def test_an_unknown_lesson_is_an_error_that_names_those_there_are(name):
    with pytest.raises(
        ValueError, match=r"there is no notebook .*; the lessons are 01_good, 02_bad, 03_fast, 04_slow$"
    ):
        lessons.find(["01", name])


def test_parameters_are_what_the_tagged_cell_sets(house):
    notebook = lessons.read(house / "notebooks/01_good.py")
    assert lessons.parameters(notebook) == {"PROFILE": "quick", "SEED": 0}
    cell = next(c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    cell.source = 'PROFILE = "quick"  # a comment\nLIST = [1, 2.5, -3]\nNEGATIVE = -1e-3\nTYPED: float = 2.0'
    assert lessons.parameters(notebook) == {"PROFILE": "quick", "LIST": [1, 2.5, -3], "NEGATIVE": -1e-3, "TYPED": 2.0}
    cell.metadata["tags"] = []
    with pytest.raises(ValueError, match=r"exactly one cell tagged 'parameters', found 0"):
        lessons.parameters(notebook)


def test_the_code_hash_sees_code_and_its_order_and_nothing_else(house):
    def notebook():
        return lessons.read(house / "notebooks/01_good.py")

    reference = lessons.code_hash(notebook())
    assert reference == lessons.code_hash(notebook())
    prose, code, swapped = notebook(), notebook(), notebook()
    prose.cells[0].source += " with more words"
    assert lessons.code_hash(prose) == reference
    code.cells[-1].source += " "
    assert lessons.code_hash(code) != reference
    swapped.cells[-1], swapped.cells[-2] = swapped.cells[-2], swapped.cells[-1]
    assert lessons.code_hash(swapped) != reference


@pytest.mark.usefixtures("house")
def test_the_key_stays_while_nothing_changes():
    assert key() == key()
    assert key(SEED=1) == key(SEED=1)
    assert len({key(), key(SEED=1), key(SEED=2), key(profile="full"), key("03_fast")}) == 5


@pytest.mark.parametrize(
    "path",
    [
        "notebooks/01_good.py",
        "helpers/common/claims.py",
        "helpers/common/widget.js",
        "helpers/common/widget.css",
        "helpers/common/new.py",
        "constraints.txt",
    ],
)
def test_the_key_sees_what_the_lesson_stands_on(edited, path):
    before = key()
    edited(path, "\n")
    assert key() != before


@pytest.mark.parametrize("path", ["notebooks/02_bad.py", "helpers/molecules/movies.py", "data/results/other.json"])
def test_the_key_does_not_see_what_the_lesson_does_not_use(edited, path):
    before = key()
    edited(path, "\n")
    assert key() == before


@pytest.mark.parametrize(
    "statement",
    [
        "from helpers.molecules.brownian import msd",
        "import helpers.molecules.brownian",
        "from helpers.molecules import brownian",
        "from helpers import molecules",
    ],
)
def test_the_key_sees_the_wing_however_it_is_imported(edited, statement):
    edited("notebooks/01_good.py", f"\n# %%\n{statement}\n")
    before = key()
    edited("helpers/molecules/movies.py", "\n")
    assert key() != before


@pytest.mark.parametrize("statement", ["from helpers import doctor", "from helpers.doctor import report"])
def test_the_key_sees_a_module_beside_the_wings(edited, statement):
    edited("notebooks/01_good.py", f"\n# %%\n{statement}\n")
    before = key()
    edited("helpers/doctor.py", "\n")
    assert key() != before


@pytest.mark.parametrize(
    "path", ["data/checkpoints/small.json", "data/checkpoints/small.safetensors", "data/results/small.json"]
)
def test_the_key_sees_the_weights_and_records_that_are_named(edited, path):
    edited("notebooks/01_good.py", '\n# %%\nload("small")\n')
    without = key()
    edited(path, "1")
    first = key()
    edited(path, "2")
    assert len({without, first, key()}) == 3


@pytest.mark.usefixtures("house")
def test_the_key_sees_which_data_are_present_and_the_version_of_python(monkeypatch):
    before = key()
    monkeypatch.setattr(lessons.data, "available", lambda name: name == lessons.data.datasets()[0])
    present = key()
    monkeypatch.setattr(lessons.sys, "version_info", (3, 99, 0))
    assert len({before, present, key()}) == 3
