"""The rules of the house that a linter does not know. CONTRIBUTING.md gives them in words."""

import ast
import base64
import csv
import hashlib
import importlib
import inspect
import io
import json
import pkgutil
import re
import subprocess
import tomllib

import pytest
from matplotlib.image import imread

import helpers
from helpers.book.lessons import lessons
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


# --- live figures ---------------------------------------------------------------------------------------------------


def widgets():
    """Return every kind of live figure, by the name of its class."""
    for name in MODULES:
        importlib.import_module(name)
    kinds, new = {}, Widget.__subclasses__()
    while new:
        kinds |= {kind.__name__: kind for kind in new if kind.__module__.startswith("helpers.")}
        new = [below for kind in new for below in kind.__subclasses__()]
    return kinds


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
    assert stored <= {lesson.name for lesson in lessons()}


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("[0-9]*.ipynb")), ids=lambda path: path.stem[:2])
def test_letters_outside_of_the_panels_are_not_black(path):
    """Panels are white, the page around them is black in dark mode: black letters there would be invisible."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = [output["data"] for cell in cells for output in cell.get("outputs", []) if "data" in output]
    pictures = [base64.b64decode(data["image/png"]) for data in outputs if "image/png" in data]
    assert pictures or path.stem.startswith("00")
    for number, picture in enumerate(pictures, start=1):
        pixels = imread(io.BytesIO(picture))  # (H, W, 4), 0..1
        dark = pixels[..., :3].max(axis=-1) < 0.25
        edges = (pixels[..., 3] > 0) & (pixels[..., 3] < 0.9)  # of letters on no ground
        assert (dark & edges).sum() <= 5, f"picture {number} of {path.name} has black letters outside of its panels"
