"""The record of what claims on real data say: written by two runs, and compared with the next."""

import pytest

from helpers.book import pairs, real_data, runner
from helpers.common import atomic, data, places, results

REAL = {"name": "shrinks-real", "measured": 2.4, "expected": 2.35, "tolerance": 0.2, "at_most": None, "unit": ""}
OTHER = {"name": "shrinks-simulated", "measured": 2.3, "at_least": 2, "verdict": "pass"}
CODE = '# %%\nfrom helpers.common import data\n\nhave = data.available("microgels_paint")\n'


@pytest.fixture
def runs(house, tmp_path, monkeypatch):
    """Pretend that the data are here and that lessons ran with them and without; return the list of what ran."""
    monkeypatch.setattr(places, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(runner, "EXECUTED", tmp_path / "with")
    monkeypatch.setattr(pairs, "COMMITTED", tmp_path / "without")
    monkeypatch.setattr(data, "available", lambda _: True)
    for name in ("01_good", "02_bad"):
        source = house / f"notebooks/{name}.py"
        source.write_text(source.read_text() + CODE)
    ran = []
    monkeypatch.setattr(pairs, "run_without_data", lambda names: ran.append(("without", names)))
    monkeypatch.setattr(runner, "run", lambda names: ran.append(("with", names)))
    leave("with", tmp_path, [OTHER, REAL | {"verdict": "pass", "interval": None, "source": "21 / 53"}])
    leave("without", tmp_path, [OTHER, skipped("shrinks-real"), skipped("full-only")])
    return ran


def skipped(name):
    return {"name": name, "measured": None, "verdict": "skipped", "source": "not here"}


def leave(kind, folder, claims, lesson="01_good"):
    (folder / kind / lesson).mkdir(parents=True, exist_ok=True)
    atomic.write_json(folder / kind / lesson / "claims.json", claims)


def test_only_claims_that_need_the_data_are_recorded(runs):
    real_data.record()
    assert runs == [("with", ["01_good", "02_bad"]), ("without", ["01_good", "02_bad"])]
    known = {"measured": 2.4, "expected": 2.35, "tolerance": 0.2, "source": "21 / 53"}
    assert results.read("real-data")["values"] == {"shrinks-real": known}
    assert real_data.check() == 1


@pytest.mark.usefixtures("runs")
def test_a_record_of_other_claims_is_found(tmp_path):
    real_data.record()
    for now in (
        [REAL | {"verdict": "pass", "expected": 2.0}],  # the recorded number does not keep the new bound
        [skipped("shrinks-real")],
        [OTHER],  # the claim has another name now
    ):
        leave("with", tmp_path, now)
        with pytest.raises(RuntimeError, match=r"shrinks-real.*bench real-data"):
            real_data.check()


@pytest.mark.usefixtures("runs")
def test_two_lessons_may_not_share_the_name_of_such_a_claim(tmp_path):
    leave("with", tmp_path, [REAL | {"verdict": "pass", "interval": None, "source": ""}], "02_bad")
    leave("without", tmp_path, [skipped("shrinks-real")], "02_bad")
    with pytest.raises(ValueError, match=r"02_bad.*shrinks-real"):
        real_data.record()


def test_without_the_data_nothing_is_recorded_or_compared(runs, monkeypatch):
    monkeypatch.setattr(data, "available", lambda name: name != "confocal")
    with pytest.raises(data.DataUnavailable, match=r"confocal.*make data"):
        real_data.record()
    assert runs == []
    assert real_data.check() == 0


def test_every_claim_that_a_committed_lesson_skips_for_want_of_data_is_recorded():
    recorded, told = set(results.read("real-data")["values"]), set()
    for path in sorted(places.NOTEBOOKS.glob("*.ipynb")):
        cells = pairs.nbformat.read(path, as_version=4).cells
        lines = "".join(out.get("text", "") for cell in cells for out in cell.get("outputs", [])).splitlines()
        told |= {line.split()[1] for line in lines if line.startswith("claim ") and "not on this machine" in line}
    assert told == recorded
    assert len(told) > 20
