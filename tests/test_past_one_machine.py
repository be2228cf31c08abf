"""The commands of the page *Past one machine*, as they stand there, give what one process gives."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
import zarr

from helpers.colloids import confocal, io, scale
from helpers.common import checkpoints, ranks, results, training
from helpers.common.places import BOOK, ROOT
from helpers.molecules import training as recipes
from helpers.molecules.networks import TrackNetwork

PAGE = (BOOK / "past_one_machine.md").read_text(encoding="utf-8")


def run(*arguments, cwd):
    environment = {**os.environ, "PYTHONPATH": str(cwd), "OMP_NUM_THREADS": "1"}
    environment.pop("HELPERS_RUN_DIR", None)
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_two_processes_train_the_network_of_one(tmp_path):
    launcher, *arguments = shlex.split(re.search(r"^```sh\n(.+)\n```$", PAGE, re.M)[1])
    assert launcher == "torchrun"
    shutil.copytree(ROOT / "helpers", tmp_path / "helpers", ignore=shutil.ignore_patterns("__pycache__"))
    out = run("-m", "torch.distributed.run", *arguments, cwd=tmp_path)
    assert out.count("RMSE") == 1
    two = torch.load(tmp_path / "build/runs/tracks-quick/state.ckpt", weights_only=True)
    one = training.initialise(TrackNetwork, 0)
    history = training.fit(
        one, recipes.track_batch, recipes.squared_error, n_steps=400, learning_rate=3e-3, seed=0, label="tracks"
    )
    np.testing.assert_allclose(two["history"]["losses"], history.losses, rtol=1e-5)
    for name, weights in one.state_dict().items():
        torch.testing.assert_close(two["model"][name], weights, rtol=1e-5, atol=1e-5)


def test_a_cluster_makes_the_table_of_one_process(tmp_path):
    sample, sides = io.configuration("phi30"), np.array([96, 48, 48])
    places = sample.positions * 6 - (sample.box * 6 - sides) / 2
    near = places[(np.abs(places - sides / 2) < sides / 2 + 12).all(1)]
    image = confocal.image(near, 6, (1.8, 0.9, 0.9), tuple(sides), 20, np.random.default_rng(0))
    array = zarr.create_array(tmp_path / "stack.zarr", shape=image.shape, chunks=(32, 48, 48), dtype="float32")
    array[:] = image
    (tmp_path / "track.py").write_text(re.search(r"^```python\n(.+?)^```$", PAGE, re.M | re.S)[1])
    run("track.py", cwd=tmp_path)
    found, alone = pd.read_csv(tmp_path / "spheres.csv", index_col=0), scale.track_chunked(array)
    assert len(found) == len(alone) > 200
    np.testing.assert_allclose(found[["z", "y", "x"]], alone[["z", "y", "x"]], atol=1e-3)


def test_only_the_first_process_writes_and_speaks(tmp_path, monkeypatch, capsys):
    card = {"description": "", "command": "", "seed": 0, "metrics": {}, "known_failures": ""}
    monkeypatch.setattr(results.places, "RESULTS", tmp_path)
    for rank, n_files in (("1", 0), ("0", 3)):
        monkeypatch.setenv("RANK", rank)
        assert checkpoints.save("net", {"w": torch.ones(2)}, card, tmp_path) == tmp_path / "net.safetensors"
        path = results.record("some", {"a": 1}, command="c", seeds=[0], sources=["helpers/common/ranks.py"])
        assert path == tmp_path / "some.json"
        assert len(list(tmp_path.iterdir())) == n_files
        with ranks.one_voice():
            print(f"rank {rank}")
    assert capsys.readouterr().out == "rank 0\n"


@pytest.mark.parametrize(("n_gpus", "chosen"), [(0, "cpu"), (1, "cpu"), (2, "auto")])
def test_processes_do_not_share_a_gpu(monkeypatch, n_gpus, chosen):
    import lightning_fabric

    asked = {}

    class Fabric:
        def __init__(self, **options):
            asked.update(options)

        def launch(self):
            pass

    monkeypatch.setattr(lightning_fabric, "Fabric", Fabric)
    monkeypatch.setattr(torch.distributed, "is_torchelastic_launched", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_gpus)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("WORLD_SIZE", "6")
    training._fabric("auto", 1, "32-true")
    assert (asked["accelerator"], asked["devices"], asked["num_nodes"]) == (chosen, 2, 3)
