"""The rules of the house that a linter does not know. CONTRIBUTING.md gives them in words."""

import ast
import csv
import hashlib
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import tomllib

import nbformat
import pytest

import helpers
from helpers.book.lessons import find, lessons, parameters, read
from helpers.common.places import DATA, NOTEBOOKS, ROOT
from helpers.common.widgets import Widget

# --- the package ----------------------------------------------------------------------------------------------------

MODULES = [
    module.name
    for module in pkgutil.walk_packages(helpers.__path__, "helpers.")
    if not module.ispkg and not module.name.rpartition(".")[2].startswith("_")
]
FILES = sorted((ROOT / "helpers").rglob("*.py"))
NOT_PHYSICS = {
    "__init__",
    "ablations",
    "bench",
    "classifiers",
    "cloud_plots",
    "comparison",
    "contact_records",
    "deploy",
    "flow_plots",
    "flow_records",
    "gel_plots",
    "gel_records",
    "generation",
    "io",
    "networks",
    "plots",
    "probes",
    "reader_plots",
    "reader_records",
    "reader_training",
    "records",
    "replica_training",
    "resnet",
    "samples",
    "scale",
    "scale_records",
    "softpointflow",
    "ssrvae",
    "statistics_plots",
    "statistics_records",
    "structure_records",
    "training",
    "trials",
    "unet",
    "unet_training",
    "vae",
    "vae_plots",
    "vae_records",
    "vae_trials",
    "widgets",
}
GROUND = {"book", "common", "course"}
SHOWING = {"anywidget", "matplotlib", "pooch", "tqdm"}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def calls(path):
    """Yield (dotted name, keywords, line) of every call in a file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {keyword.arg for keyword in node.keywords}, node.lineno


def physics():
    return [
        path
        for path in FILES
        if path.parent.parent == ROOT / "helpers" and path.parent.name not in GROUND and path.stem not in NOT_PHYSICS
    ]


@pytest.mark.parametrize("name", MODULES)
def test_a_public_module_says_what_it_is_and_what_it_offers(name):
    module = importlib.import_module(name)
    assert module.__doc__
    assert module.__all__
    for public in module.__all__:
        thing = getattr(module, public)
        if inspect.isfunction(thing) or inspect.isclass(thing):
            assert inspect.getdoc(thing), public


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_is_one_idea(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 450
    assert not re.fullmatch(r"(common_)?(utils?|misc|base|tools)", path.stem)


@pytest.mark.parametrize("path", physics(), ids=name_of)
def test_physics_does_not_show_or_download(path):
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree(path))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not imported & SHOWING


def test_the_import_contract_names_every_physics_module():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = [c for c in contracts if c["type"] == "forbidden"]
    on_disk = [f"helpers.{path.parent.name}.{path.stem}" for path in physics()]
    assert contract["source_modules"] == on_disk
    assert set(contract["forbidden_modules"]) == SHOWING


def test_the_layer_contract_names_every_wing():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = [c for c in contracts if c["type"] == "layers"]
    named = set(re.findall(r"helpers\.(\w+)", " ".join(contract["layers"])))
    wings = {path.parent.name for path in (ROOT / "helpers").glob("*/__init__.py")}
    assert named == wings | {"__main__"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_random_call_takes_a_generator(path):
    makers = {"default_rng", "Generator", "SeedSequence", "PCG64", "Philox", "SFC64"}
    drawing = (
        r"torch\.(bernoulli|multinomial|normal|poisson|rand\w*)|(?!.*init\.).+\.(normal|uniform|random|bernoulli)_"
    )
    for function, keywords, line in calls(path):
        if legacy := re.fullmatch(r"(?:np|numpy)\.random\.(\w+)", function):
            assert legacy[1] in makers, f"line {line}: {function}"
        if re.fullmatch(drawing, function):
            assert "generator" in keywords, f"line {line}: {function} without generator="
        if function in ("torch.manual_seed", "torch.seed", "torch.cuda.manual_seed_all") or function[:7] == "random.":
            assert name_of(path) == "helpers/common/training.py", f"line {line}: {function}"


# --- the lessons ----------------------------------------------------------------------------------------------------

LESSONS = [lesson.name for lesson in lessons()]
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def lesson(name):
    return find([name])[0]


def cells(name, kind):
    return [cell for cell in read(lesson(name).py).cells if cell.cell_type == kind]


def prose(name):
    return "\n\n".join(cell.source for cell in cells(name, "markdown"))


def called(name):
    return [
        node.func.id
        for cell in cells(name, "code")
        for node in ast.walk(ast.parse(cell.source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]


def widgets():
    """Return every kind of live figure, by the name of its class."""
    for name in MODULES:
        importlib.import_module(name)
    kinds, new = {}, Widget.__subclasses__()
    while new:
        kinds |= {kind.__name__: kind for kind in new if kind.__module__.startswith("helpers.")}
        new = [below for kind in new for below in kind.__subclasses__()]
    return kinds


def test_there_are_lessons():
    assert len(LESSONS) >= 2


@pytest.mark.parametrize("name", LESSONS)
class TestLesson:
    def test_header(self, name):
        notebook = read(lesson(name).py)
        assert dict(notebook.metadata.kernelspec) == KERNEL
        header = lesson(name).header
        assert header.keys() >= {"title", "question", "quick_cpu_s", "full"}
        assert 0 < header["quick_cpu_s"] <= 90

    def test_opening(self, name):
        first = read(lesson(name).py).cells[0].source
        assert re.match(r"# \S", first)
        marks = ["The question", "You will do", "You will learn", "You need", "Time"]
        places = [first.find(f"**{mark}.**") for mark in marks]
        assert -1 not in places, dict(zip(marks, places, strict=True))
        assert places == sorted(places)

    def test_parameters(self, name):
        values = parameters(read(lesson(name).py))
        assert list(values)[:2] == ["PROFILE", "SEED"]
        assert (values["PROFILE"], values["SEED"]) == ("quick", 0)

    def test_claims_widget_and_summary(self, name):
        assert "claim" in called(name)
        assert set(called(name)) & widgets().keys()
        assert re.search(r"^## Summary$", prose(name), re.M)

    def test_exercises_have_folded_solutions(self, name):
        labels = re.findall(r"^`{3,}\{exercise\} .*\n:label: (\S+)", prose(name), re.M)
        solved = re.findall(r"^`{3,}\{solution(?:-start)?\} (\S+)\n:class: dropdown", prose(name), re.M)
        assert len(labels) >= 3
        assert len(set(labels)) == len(labels)
        assert sorted(solved) == sorted(labels)

    def test_code_cells_are_short(self, name):
        long = {
            f"cell {number}": lines
            for number, cell in enumerate(read(lesson(name).py).cells, 1)
            if cell.cell_type == "code" and (lines := len(cell.source.splitlines())) > 25
        }
        assert not long

    def test_figures_have_words(self, name):
        names = []
        for number, cell in enumerate(read(lesson(name).py).cells, 1):
            if cell.cell_type == "code" and re.search(r"\bplt\.show\(|plotting\.figure\(|plt\.subplots\(", cell.source):
                about = cell.metadata.get("mystnb", {})
                assert len(about.get("image", {}).get("alt", "")) >= 30, f"cell {number} has no alt text"
                assert about.get("figure", {}).get("caption"), f"cell {number} has no caption"
                names.append(about["figure"].get("name", ""))
        assert names
        assert all(re.fullmatch(r"fig-[a-z0-9-]+", name) for name in names), names
        assert len(set(names)) == len(names)

    def test_pictures_come_from_cells_with_words(self, name):
        notebook = nbformat.read(lesson(name).ipynb, as_version=4)
        for number, cell in enumerate(notebook.cells, 1):
            kinds = {kind for output in cell.get("outputs", []) for kind in output.get("data", {})}
            if any(kind.startswith("image/") for kind in kinds):
                assert cell.metadata.get("mystnb", {}).get("image", {}).get("alt"), f"cell {number}"

    def test_committed_notebook_is_small_and_holds_no_widget_state(self, name):
        path = lesson(name).ipynb
        assert path.stat().st_size <= 1.5e6
        assert "widgets" not in json.loads(path.read_text(encoding="utf-8"))["metadata"]


@pytest.mark.parametrize("name", sorted(widgets()))
def test_a_live_figure_carries_little_data(name):
    state = widgets()[name]().get_state()
    size = sum(len(value) for value in state.values() if isinstance(value, bytes | memoryview))
    plain = {key: value for key, value in state.items() if key not in ("_esm", "_css")}
    assert size + len(json.dumps(plain, default=str)) <= 250_000


# --- the repository -------------------------------------------------------------------------------------------------


def repository():
    """Return the files that are in the repository or would be added to it; none where this is no git checkout."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    paths = [ROOT / name for name in answer.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


IN_REPOSITORY = repository()
in_git = pytest.mark.skipif(not IN_REPOSITORY, reason="this is no git checkout")
VENDOR = ROOT / "book" / "vendor"


def texts():
    for path in IN_REPOSITORY:
        if VENDOR in path.parents and path.suffix in (".js", ".txt"):
            continue  # libraries of others, as they are
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


@in_git
def test_no_machine_path():
    pattern = re.compile(r"(?<![\w.~)}/-])/(home|root|Users|work|mnt|private|opt|tmp)/\w")
    found = [f"{name_of(path)}: {line.strip()[:80]}" for path, text in texts() for line in find_lines(pattern, text)]
    assert not found


@in_git
def test_no_package_registry_but_the_public_one_of_pytorch():
    hosts = ["pypi" + ".", "python" + "hosted", "npm" + "js.", "anaconda" + ".org", "artifact" + "ory", "/simple" + "/"]
    pattern = re.compile(
        "|".join(re.escape(host) for host in hosts) + r"|index-url[ =]+(?!https://download\.pytorch)http"
    )
    found = [f"{name_of(path)}: {line.strip()[:80]}" for path, text in texts() for line in find_lines(pattern, text)]
    assert not found


def find_lines(pattern, text):
    return [line for line in text.splitlines() if pattern.search(line)]


@in_git
def test_sizes():
    sizes = {path: path.stat().st_size for path in IN_REPOSITORY}
    assert sum(sizes.values()) < 60e6
    assert not {name_of(path): size for path, size in sizes.items() if size > 1.5e6 and VENDOR not in path.parents}


@in_git
def test_no_real_data():
    with (DATA / "registry.csv").open(encoding="utf-8", newline="") as file:
        theirs = {row["sha256"] for row in csv.DictReader(file)}
    assert theirs
    for path in IN_REPOSITORY:
        if DATA in path.parents:
            assert path.suffix not in (".tif", ".tiff", ".3d"), name_of(path)
        assert hashlib.sha256(path.read_bytes()).hexdigest() not in theirs, name_of(path)


@in_git
def test_every_notebook_has_its_master():
    stored = {path.stem for path in IN_REPOSITORY if path.parent == NOTEBOOKS and path.suffix == ".ipynb"}
    assert stored <= set(LESSONS)
