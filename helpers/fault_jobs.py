"""Four small jobs with the real code, for ``helpers.faults`` to kill: each goes on where it was stopped."""

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
import torch
from torch import nn

from helpers.book import lessons, runner
from helpers.colloids import confocal, scale
from helpers.colloids.optics import Optics
from helpers.common import atomic, data, training

__all__ = ["JOBS", "Job"]


class Job(NamedTuple):
    """``work(folder)`` begins there, or goes on; ``read(folder)`` returns by name all that can be read there."""

    work: Callable[[Path], object]
    read: Callable[[Path], dict]


def _sha256(*arrays: np.ndarray) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


# ---- training: the weights are the same to the last bit ----

N_STEPS = 60


def _train(folder: Path) -> None:
    def build():
        wide = nn.Linear(512, 512)  # 3 MB to save: a kill often meets a save
        return nn.Sequential(nn.Linear(3, 512), wide, nn.BatchNorm1d(512), nn.Dropout(0.2), nn.Linear(512, 1))

    def batch(rng, _step):
        x = torch.from_numpy(rng.normal(size=(16, 3)).astype("float32"))
        return x, x.sum(dim=1, keepdim=True)

    def loss(model, x, y):
        return nn.functional.mse_loss(model(x), y)

    torch.set_num_threads(1)
    model, more = training.initialise(build, seed=1), {"n_steps": N_STEPS, "learning_rate": 0.01, "seed": 2}
    training.fit(model, batch, loss, run_dir=folder, resume=True, save_every=2, **more)


def _trained(folder: Path) -> dict:
    path = folder / training.STATE
    if not path.exists():
        return {}
    state = torch.load(path, weights_only=True)
    found = {f"loss of step {step}": loss for step, loss in enumerate(state["history"]["losses"], 1)}
    if state["step"] == N_STEPS:
        found["weights"] = _sha256(*(tensor.numpy() for tensor in state["model"].values()))
    return found


# ---- a notebook run: nothing counts before all of it is there ----

HEADER = """\
# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---

# %% tags=["parameters"]
PROFILE = "quick"

# %%
import time
from helpers.common.claims import claim
"""
CELL = '\n# %%\ntime.sleep(0.05)\nclaim("number-{0}", measured={0}, expected={0})\n'


def _run_notebook(folder: Path) -> None:
    lessons.ROOT, lessons.NOTEBOOKS = folder, folder / "notebooks"
    atomic.write_text(folder / "constraints.txt", "")
    atomic.write_text(folder / "notebooks/01_tiny.py", HEADER + "".join(CELL.format(k) for k in range(10)))
    runner.run(into=folder / "executed")


def _ran_notebook(folder: Path) -> dict:
    home = folder / "executed/01_tiny"
    claimed = json.loads((home / "claims.json").read_text()) if (home / "claims.json").exists() else []
    facts = runner.executed(lessons.Lesson("01_tiny", {}), folder / "executed")
    if facts is None:
        return {}
    notebook = nbformat.read(home / "01_tiny.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    said = ["".join(output.get("text", str(output)) for output in cell.outputs) for cell in cells]
    return {"run.json": facts["values"], "claims.json": claimed, "01_tiny.ipynb": said}


# ---- a download: every file has its hash ----

CONTENT = {f"set/{k}.bin": np.random.default_rng(k).bytes(2**18) for k in range(8)}
FILES = [
    data.File("set", "owner/name", "c0ffee", name, name, hashlib.sha256(content).hexdigest(), len(content), "none")
    for name, content in CONTENT.items()
]


class _SlowSource(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = CONTENT[self.path.removeprefix("/owner/name/c0ffee/")]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        for start in range(0, len(content), 2**15):
            self.wfile.write(content[start : start + 2**15])
            time.sleep(0.01)


def _download(folder: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _SlowSource)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    lines = [data.File.__annotations__, *(vars(file).values() for file in FILES)]
    data.REGISTRY = atomic.write_text(folder / "registry.csv", "\n".join(",".join(map(str, line)) for line in lines))
    data._HOST = f"http://127.0.0.1:{server.server_port}"
    os.environ |= {"HELPERS_DATA_CACHE": str(folder / "cache"), "HELPERS_DATA_MIRROR": "", "NO_PROXY": "127.0.0.1"}
    data.fetch("set")


def _downloaded(folder: Path) -> dict:
    cache = folder / "cache"
    return {file.local_path: file.whole(cache) for file in FILES if (cache / file.local_path).exists()}


# ---- tracking in pieces: the same spheres to the last digit ----

OPTICS = Optics(4.0, (1.0, 0.7, 0.7), 0.1, 1.0, 0.05, 0.30)
SHAPE = (72, 16, 16)


def _track(folder: Path) -> None:
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(*(np.arange(3, side, 5) for side in SHAPE), indexing="ij"), -1).reshape(-1, 3)
    spheres = grid + rng.normal(0, 0.2, grid.shape)
    image = confocal.image(spheres, OPTICS.diameter_px, OPTICS.psf_sigma_px, SHAPE, 20, rng)
    found = scale.track_chunked(image, optics=OPTICS, chunks=(12, 16, 16), folder=folder / "pieces")
    atomic.write_text(folder / "spheres.csv", found.to_csv())


def _tracked(folder: Path) -> dict:
    pieces = {path.name: _sha256(np.load(path)) for path in (folder / "pieces").glob("[!.]*.npy")}
    table = folder / "spheres.csv"
    return pieces | ({table.name: table.read_text(encoding="utf-8")} if table.exists() else {})


JOBS = {
    "training": Job(_train, _trained),
    "notebook": Job(_run_notebook, _ran_notebook),
    "download": Job(_download, _downloaded),
    "tracking": Job(_track, _tracked),
}
