import re

import pytest
import traitlets
from ipywidgets import Widget as AnyIpywidget

from helpers.common import widgets
from helpers.common.places import ROOT
from helpers.microgels.widgets import FlowWarp, GelExplorer
from helpers.molecules.widgets import DiffusionExplorer, Microscope, MoleculeReader
from helpers.textures.widgets import LatentWalk, TexturePainter

EVERY = [
    widgets.IntervalExplorer,
    DiffusionExplorer,
    FlowWarp,
    GelExplorer,
    LatentWalk,
    Microscope,
    MoleculeReader,
    TexturePainter,
]


@pytest.fixture(autouse=True)
def close():
    yield
    AnyIpywidget.close_all()


@pytest.mark.parametrize("kind", EVERY)
def test_its_module_is_the_common_base_and_its_own_file(kind):
    (script,) = ROOT.glob(f"helpers/*/{kind.script}")
    assert kind._esm == widgets.esm(script)
    assert kind._esm.startswith((ROOT / "helpers/common/widget.js").read_text() + "\n")
    assert kind._esm.endswith("\n" + script.read_text())
    assert kind._css == (ROOT / "helpers/common/widget.css").read_text()
    assert kind._esm.count("export default { render }") == 1
    assert "\nimport " not in kind._esm, "anywidget loads the module from memory: nothing can be imported there"
    assert "http" not in kind._esm.replace("http://www.w3.org", ""), "a widget needs no other host"


@pytest.mark.parametrize("kind", EVERY)
def test_two_of_a_kind_print_alike_and_keep_their_own_settings(kind):
    one, other = kind(), kind()
    assert repr(one) == repr(other) == f"{kind.__name__}()"
    start = dict(other.settings)
    one.settings = {**start, "seed": 99}
    assert other.settings == start
    assert kind().settings == start
    assert {"settings", "data", "_esm", "_css"} <= set(one.keys)  # what reaches the page


@pytest.mark.parametrize("kind", EVERY)
def test_every_setting_is_read_by_the_script_and_every_control_has_a_start_value(kind):
    (script,) = ROOT.glob(f"helpers/*/{kind.script}")
    controls = set(re.findall(r"panel\.(?:range|select)\(\{ name: \"(\w+)\"", script.read_text()))
    settings = set(kind().settings)
    assert controls, "a widget without controls"
    assert controls <= settings
    assert settings - controls <= {"seed"}


def test_a_widget_made_from_another_keeps_its_script():
    class Derived(DiffusionExplorer):
        pass

    assert Derived._esm == DiffusionExplorer._esm
    assert repr(Derived()) == "Derived()"


def test_settings_and_data_of_the_wrong_kind_are_refused():
    with pytest.raises(traitlets.TraitError):
        DiffusionExplorer(settings=3)
    with pytest.raises(traitlets.TraitError):
        DiffusionExplorer(data="text")


def test_a_script_stands_on_the_file_that_its_first_line_names(tmp_path):
    (tmp_path / "a.js").write_text("const a = 1;\n")
    (tmp_path / "b.js").write_text("// after a.js\nconst b = a;\n")
    (tmp_path / "c.js").write_text("// after b.js\nconst c = b;\n")
    base = (ROOT / "helpers/common/widget.js").read_text()
    ours = ["const a = 1;\n", "// after a.js\nconst b = a;\n", "// after b.js\nconst c = b;\n"]
    assert widgets.esm(tmp_path / "c.js") == "\n".join([base, *ours])
