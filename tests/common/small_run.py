"""A small training run, for the tests of helpers.common.training: imported, killed, interrupted, and launched twice."""

import json
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

import torch
from torch import nn

from helpers.common import training

N_STEPS = 60
STOPPED = 3
SETTINGS = {"n_steps": N_STEPS, "learning_rate": 0.01, "seed": 3, "evaluate_every": 6, "save_every": 5}


def build(dropout=0.2):
    return nn.Sequential(nn.Linear(3, 16), nn.BatchNorm1d(16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, 1))


def make_batch(rng, _step, n=8):
    x = torch.from_numpy(rng.normal(size=(n, 3)).astype("float32"))
    return x, x.sum(dim=1, keepdim=True)


def loss(model, x, y):
    return nn.functional.mse_loss(model(x), y)


def evaluate(model):
    x = torch.linspace(-1, 1, 30).reshape(10, 3)
    return {"loss": loss(model, x, x.sum(dim=1, keepdim=True)), "largest": model(x).max()}


def run(run_dir=None, batch=make_batch, **options):
    model = training.initialise(build, seed=1)
    history = training.fit(model, batch, loss, evaluate=evaluate, run_dir=run_dir, **{**SETTINGS, **options})
    return model, history


def share(out):
    """Train as one of two processes; the first writes the weights and what was refused."""

    def build():
        return nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))

    refused = ""
    try:
        training.fit(build(), lambda rng, step: make_batch(rng, step, n=7), loss, **SETTINGS)
    except ValueError as error:
        refused = str(error)
    model = training.initialise(build, seed=1)
    history = training.fit(model, make_batch, loss, evaluate=evaluate, run_dir=out.parent / "run", **SETTINGS)
    if int(os.environ.get("RANK", 0)) == 0:
        torch.save({"weights": model.state_dict(), "losses": history.losses, "refused": refused}, out)


def stop_again_and_again(run_dir, which):
    """Send a signal to one child process after another, each resuming the last, until one reaches the end.

    Return for each stopped child the last step it began and the steps then on disk.
    """
    stops = []
    while True:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os._exit(resume(run_dir, writing))
        os.close(writing)
        with os.fdopen(reading, "rb", buffering=0) as begun:
            seen = b"".join(begun.read(1) for _ in range(random.randint(5, 14)))
            time.sleep(0.004 * random.random())
            os.kill(child, which)
            seen += begun.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status == 0:
            return stops
        assert status == (-signal.SIGKILL if which == signal.SIGKILL else STOPPED), status
        stops.append([seen[-1], saved_steps(run_dir)])


def resume(run_dir, writing):
    """Resume a run that says which step begins, and takes a moment over it, so that a signal can meet any part."""

    def batch(rng, step):
        os.write(writing, bytes([step]))
        time.sleep(0.004 * random.random())
        return make_batch(rng, step)

    try:
        run(run_dir, batch=batch, resume=True)
    except training.Interrupted:
        return STOPPED
    except KeyboardInterrupt:  # the signal came when all was done
        return 0 if saved_steps(run_dir) == N_STEPS else 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def saved_steps(run_dir):
    path = run_dir / "state.ckpt"
    return torch.load(path, weights_only=True)["step"] if path.exists() else 0


if __name__ == "__main__":
    torch.set_num_threads(1)
    verb, path = sys.argv[1], Path(sys.argv[2])
    if verb == "share":
        share(path)
    else:
        print(json.dumps(stop_again_and_again(path, getattr(signal, verb))))
