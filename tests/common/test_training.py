import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from helpers.common import places, training

SCRIPT = Path(__file__).with_name("small_run.py")
SMALL = runpy.run_path(str(SCRIPT))
run, make_batch, loss, build, N_STEPS = (SMALL[name] for name in ("run", "make_batch", "loss", "build", "N_STEPS"))


@pytest.fixture(autouse=True)
def one_quiet_thread(monkeypatch, tmp_path):
    monkeypatch.setenv("HELPERS_RUN_DIR", str(tmp_path / "records"))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def uninterrupted():
    torch.set_num_threads(1)
    return run()


def start(verb, path, *launcher):
    environment = {**os.environ, "PYTHONPATH": str(places.ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, str(SCRIPT), verb, str(path)]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def assert_same(one, other):
    (model, history), (model_b, history_b) = one, other
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, model_b.state_dict()[name]), name
    assert (history.steps, history.losses, history.evaluations) == (
        history_b.steps,
        history_b.losses,
        history_b.evaluations,
    )
    weights, weights_b = history.best["weights"], history_b.best["weights"]
    assert all(torch.equal(weights[name], weights_b[name]) for name in weights)
    assert {**history.best, "weights": 0} == {**history_b.best, "weights": 0}


def test_a_run_learns_and_reports(uninterrupted):
    model, history = uninterrupted
    assert history.steps == list(range(1, N_STEPS + 1))
    assert len(history.losses) == N_STEPS
    assert np.mean(history.losses[-5:]) < 0.7 * np.mean(history.losses[:5])
    assert [entry["step"] for entry in history.evaluations] == list(range(6, N_STEPS + 1, 6))
    assert set(history.evaluations[0]) == {"step", "loss", "largest"}
    assert history.best["loss"] == min(entry["loss"] for entry in history.evaluations)
    copy = build()
    copy.load_state_dict(history.best["weights"])
    assert SMALL["evaluate"](copy.eval())["loss"].item() == history.best["loss"]
    assert not model.training


def test_the_same_settings_give_the_same_bits_and_leave_the_callers_random_state(uninterrupted):
    torch.manual_seed(11)
    before = torch.get_rng_state()
    again = run()
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(5)
    assert_same(uninterrupted, again)
    assert run(seed=4)[1].losses != again[1].losses


def test_initialise_depends_on_the_seed_alone():
    torch.manual_seed(1)
    one = training.initialise(build, seed=5)[0].weight
    before = torch.get_rng_state()
    assert torch.equal(one, training.initialise(build, seed=5)[0].weight)
    assert not torch.equal(one, training.initialise(build, seed=6)[0].weight)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("which", ["SIGKILL", "SIGINT"])
def test_stopped_again_and_again_and_resumed_it_ends_bit_identical(uninterrupted, tmp_path, which):
    process = start(which, tmp_path)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 0, said
    stops = json.loads(said.splitlines()[-1])
    (tmp_path / ".state.ckpt.killed.part").write_bytes(b"half a state")
    assert len(stops) >= 3
    for begun, saved in stops:
        assert saved in ([begun + 1] if which == "SIGINT" else [begun // 5 * 5, (begun + 1) // 5 * 5]), stops
    assert_same(uninterrupted, run(tmp_path, resume=True))
    assert [path.name for path in tmp_path.iterdir()] == ["state.ckpt"]


def test_ctrl_c_in_a_notebook_saves_and_a_second_one_stops_at_once(uninterrupted, tmp_path):
    def press(times):
        def batch(rng, step):
            if step == 13:
                for _ in range(times):
                    os.kill(os.getpid(), signal.SIGINT)
                    time.sleep(0.001)
            return make_batch(rng, step)

        return batch

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(training.Interrupted, match=r"after step 14; saved in .*, continue with resume=True") as stop:
        run(tmp_path, batch=press(1))
    assert (stop.value.step, stop.value.run_dir) == (14, tmp_path)
    assert signal.getsignal(signal.SIGINT) is handler
    assert_same(uninterrupted, run(tmp_path, resume=True))
    with pytest.raises(training.Interrupted, match="nothing saved"):
        run(batch=press(1))
    with pytest.raises(KeyboardInterrupt) as stop:
        run(tmp_path, batch=press(2))
    assert not isinstance(stop.value, training.Interrupted)


def test_a_finished_run_is_returned_as_it_ended(uninterrupted, tmp_path):
    run(tmp_path)
    assert_same(uninterrupted, run(tmp_path, resume=True))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 4}, "seed was 3, is 4"),
        ({"learning_rate": 0.02}, "learning_rate was 0.01, is 0.02"),
        ({"n_steps": 50}, "n_steps was 60, is 50"),
        ({"warmup": 0.5}, "warmup was 0.02, is 0.5"),
        ({"evaluate_every": 7}, "evaluate_every was 6, is 7"),
        ({"batch": lambda rng, step: make_batch(rng, step, n=16)}, r"batch was \[\[8, 3\], \[8, 1\]\], is \[\[16, 3\]"),
    ],
)
def test_resuming_with_other_settings_is_refused(tmp_path, change, named):
    run(tmp_path)
    with pytest.raises(ValueError, match=f"other settings: {named}"):
        run(tmp_path, resume=True, **change)


def test_resuming_another_model_is_refused(tmp_path):
    run(tmp_path)
    with pytest.raises(ValueError, match=r"model was .*, is "):
        training.fit(nn.Linear(3, 1), make_batch, loss, **SMALL["SETTINGS"], run_dir=tmp_path, resume=True)


def test_a_damaged_state_is_named_wherever_the_damage_is(tmp_path):
    run(tmp_path)
    path = tmp_path / "state.ckpt"
    whole = path.read_bytes()
    data = whole.index(torch.load(path, weights_only=True)["model"]["0.weight"].numpy().tobytes())
    flipped = bytearray(whole)
    flipped[data + 5] ^= 1
    for content in (bytes(flipped), whole[: len(whole) // 2], b"", b"no state at all"):
        path.write_bytes(content)
        with pytest.raises(training.DamagedState, match=r"state\.ckpt is damaged .*train again from the start"):
            run(tmp_path, resume=True)
    torch.save({"step": 3}, path)
    with pytest.raises(training.DamagedState, match="parts are missing"):
        run(tmp_path, resume=True)


def test_a_loss_that_is_not_finite_stops_at_its_step_and_keeps_the_last_good_state(tmp_path):
    def batch(rng, step):
        x, y = make_batch(rng, step)
        return x, y / (0 if step == 16 else 1)

    with pytest.raises(FloatingPointError, match=r"inf at step 17|nan at step 17"):
        run(tmp_path, batch=batch)
    assert torch.load(tmp_path / "state.ckpt", weights_only=True)["step"] == 15


def test_weights_that_are_not_finite_are_never_saved(tmp_path):
    class Root(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):  # noqa: ARG004
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):  # noqa: ARG004
            return gradient * float("nan")

    model = nn.Linear(3, 1)
    with pytest.raises(FloatingPointError, match="weights weight are not finite after step 1"):
        training.fit(
            model,
            make_batch,
            lambda m, x, y: Root.apply(loss(m, x, y)),
            n_steps=1,
            learning_rate=0.1,
            seed=0,
            run_dir=tmp_path,
        )
    assert not list(tmp_path.iterdir())


def test_the_rate_rises_then_falls_to_zero():
    rates = [training.rate(step, 100, 0.1) for step in range(100)]
    assert max(rates) == rates[10] == 1
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert 0 < rates[0] < 0.1
    assert 0 < rates[99] < 0.001
    assert training.rate(0, 1, 0.0) == 1


def test_dropout_differs_from_step_to_step():
    seen = []

    class Spy(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, x):
            seen.append(nn.functional.dropout(torch.ones(64), 0.5))
            return self.scale * x[:, :1]

    training.fit(Spy(), make_batch, loss, n_steps=3, learning_rate=0.1, seed=0)
    assert not torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"n_steps": 0}, "n_steps"),
        ({"learning_rate": -1}, "learning_rate"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"seed": 1.5}, "seed"),
        ({"warmup": 1.0}, "warmup"),
        ({"evaluate_every": 0}, "evaluate_every"),
        ({"save_every": 0}, "save_every"),
        ({"accelerator": "abacus"}, "accelerator"),
        ({"devices": 0}, "devices"),
        ({"resume": True}, "run_dir"),
        ({"batch": lambda *_: torch.zeros(3)}, "make_batch"),
        ({"batch": lambda *_: (torch.zeros(3), torch.zeros(4))}, "make_batch"),
    ],
)
def test_bad_arguments_are_named(change, named):
    with pytest.raises(ValueError, match=named):
        run(**change)


def test_an_evaluation_without_a_loss_is_refused():
    with pytest.raises(ValueError, match='evaluate must return a dict with an entry "loss"'):
        training.fit(build(), make_batch, loss, evaluate=lambda _: {"score": 1.0}, **SMALL["SETTINGS"])


@pytest.mark.parametrize(
    "launcher",
    [
        ("torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        ("lightning_fabric.cli", "--accelerator", "cpu", "--devices", "2"),
    ],
)
def test_two_processes_end_where_one_does(tmp_path, launcher):
    process = start("share", tmp_path / "two.pt", "-m", *launcher)
    said = process.communicate(timeout=120)[0]
    assert process.returncode == 0, said
    (tmp_path / "alone").mkdir()
    SMALL["share"](tmp_path / "alone" / "one.pt")
    two, one = torch.load(tmp_path / "two.pt"), torch.load(tmp_path / "alone" / "one.pt")
    assert "7 items, which 2 processes cannot share equally" in two["refused"]
    for name, tensor in one["weights"].items():
        torch.testing.assert_close(two["weights"][name], tensor, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(two["losses"], one["losses"], rtol=1e-4, atol=1e-6)
    assert (tmp_path / "run" / "state.ckpt").exists()
