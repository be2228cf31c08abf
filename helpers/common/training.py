"""One training loop for every network: reproducible, resumable at any step, on one device or on many.

Every batch is a pure function of (seed, step) and torch is seeded anew for every step, so the state of a run is
its step number, the weights and the optimiser: nothing else has to be remembered to resume it bit by bit.
"""

import hashlib
import math
import os
import signal
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from helpers.common import atomic, check, progress

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ["DamagedState", "History", "Interrupted", "fit", "initialise", "rate"]

STATE = "state.ckpt"


class DamagedState(RuntimeError):
    """The saved state of a run cannot be read back whole."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped a run after ``step`` steps; with a ``run_dir`` its state was saved there first."""

    def __init__(self, step: int, run_dir: Path | None):
        saved = f"saved in {run_dir}, continue with resume=True" if run_dir else "nothing saved: no run_dir was given"
        super().__init__(f"stopped by Ctrl-C after step {step}; {saved}")
        self.step, self.run_dir = step, run_dir


@dataclass
class History:
    """What a run has left behind.

    ``steps`` 1, 2, ... and the training ``losses`` there; ``evaluations``, one dict each, with its "step";
    ``best``, the evaluation of lowest "loss" with the "weights" (a state dict on the CPU) it was made with, or None;
    ``cpu_s``, the CPU time of this process in the loop, summed over all sessions of a resumed run.
    """

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    evaluations: list[dict] = field(default_factory=list)
    best: dict | None = None
    cpu_s: float = 0.0


class _Objective(nn.Module):
    """The loss as a module, so that Fabric sees every use of the model, whichever of its methods the loss calls."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor]):
        super().__init__()
        self.model = model
        self._loss = loss

    def forward(self, *batch: Tensor) -> Tensor:
        return self._loss(self.model, *batch)


def initialise(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Return ``build()`` with weights drawn from ``seed``; the caller's random state stays untouched."""
    check.whole("seed", seed, at_least=0)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return build()


def rate(step: int, n_steps: int, warmup: float) -> float:
    """Return the learning rate of ``step`` (0, 1, ...) relative to its peak.

    It rises linearly over the first ``warmup * n_steps`` steps, then falls as half a cosine towards 0 at ``n_steps``.
    """
    n_rise = math.ceil(warmup * n_steps)
    if step < n_rise:
        return (step + 1) / (n_rise + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - n_rise) / max(1, n_steps - n_rise)))


def fit(
    model: nn.Module,
    make_batch: Callable[[np.random.Generator, int], tuple[Tensor, ...]],
    loss: Callable[..., Tensor],
    *,
    n_steps: int,
    learning_rate: float,
    seed: int,
    warmup: float = 0.02,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
    evaluate_every: int = 200,
    run_dir: str | Path | None = None,
    resume: bool = False,
    save_every: int = 500,
    accelerator: str = "cpu",
    devices: int = 1,
    precision: str = "32-true",
    label: str = "training",
) -> History:
    """Train ``model`` in place by Adam and return what happened.

    ``make_batch(rng, step)`` returns a tuple of CPU tensors of equal length; it draws from ``rng`` only, which is
    seeded by (seed, step). ``loss(model, *batch)`` returns the mean over the batch. ``evaluate(model)`` returns a dict
    of floats with at least "loss" (lower is better) and must be deterministic; it runs without gradients, in evaluation
    mode, on the training device, every ``evaluate_every`` steps and at the end. The model ends with the weights of the
    last step (those of the best evaluation: ``history.best["weights"]``), in evaluation mode, on its old device.

    ``warmup`` is a fraction of ``n_steps``, see ``rate``. With ``run_dir`` the state is saved there every
    ``save_every`` steps, at the end and on Ctrl-C. ``resume=True`` continues from it, bit by bit as if never
    interrupted (from the beginning where there is none yet); ``resume=False`` starts afresh and replaces it.
    ``accelerator="auto"`` takes a GPU where there is one; ``precision="bf16-mixed"`` computes the forward pass in
    16 bits where that is safe, twice as fast for large convolutions. Under ``fabric run`` or torchrun each rank gets
    ``batch[rank::world_size]``, and "auto" takes GPUs where there is one for each of this machine's processes.

    ValueError for bad arguments, or where the saved run had other settings; ``DamagedState`` where it cannot be read;
    FloatingPointError naming the step where loss or weights stop being finite; ``Interrupted`` on Ctrl-C.
    """
    check.whole("n_steps", n_steps)
    check.positive("learning_rate", learning_rate)
    check.whole("seed", seed, at_least=0)
    check.whole("evaluate_every", evaluate_every)
    check.whole("save_every", save_every)
    check.choice("accelerator", accelerator, ("cpu", "auto"))
    check.choice("precision", precision, ("32-true", "bf16-mixed"))
    if not 0 <= warmup < 1:
        raise ValueError(f"warmup must be a fraction of n_steps in [0, 1), got {warmup!r}")
    if resume and run_dir is None:
        raise ValueError("run_dir must be given with resume=True")

    settings = {
        "n_steps": n_steps,
        "learning_rate": float(learning_rate),
        "seed": seed,
        "warmup": float(warmup),
        "precision": precision,
        "evaluate_every": evaluate_every if evaluate else None,
        "model": _shape_of(model),
        "batch": [list(part.shape) for part in _batch(make_batch, seed, 0)],
    }
    home = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    run = _Run(
        _fabric(accelerator, devices, precision), model, loss, settings, Path(run_dir) if run_dir is not None else None
    )
    try:
        with _random_state(run.fabric.device), _stop_request(run.fabric.world_size) as stop:
            if resume:
                run.load()
            for step in run.steps(label):
                run.train(_batch(make_batch, seed, step))
                if evaluate and (run.step % evaluate_every == 0 or run.step == n_steps):
                    run.evaluate(evaluate)
                stopped = run.agree(stop.is_set())
                if run.path and (run.step % save_every == 0 or run.step == n_steps or stopped):
                    run.save()
                if stopped and run.step < n_steps:
                    raise Interrupted(run.step, run.path and run.path.parent)
            run.check_weights()
    finally:
        model.to(home).eval()
    return run.history


class _Run:
    """The state of a run (model, optimiser, schedule, step, history) and what can be done with it."""

    def __init__(self, fabric: "Fabric", model: nn.Module, loss: Callable, settings: dict, run_dir: Path | None):
        self.fabric, self.settings = fabric, settings
        self.path = run_dir / STATE if run_dir else None
        self.model = fabric.to_device(model)
        self.step, self.history = 0, History()
        self.adam = torch.optim.Adam(
            model.parameters(), lr=settings["learning_rate"], fused=fabric.device.type in ("cpu", "cuda")
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.adam, lambda step: rate(step, settings["n_steps"], settings["warmup"])
        )
        self.objective, self.optimiser = fabric.setup(_Objective(model, loss), self.adam)

    def steps(self, label: str) -> Iterator[int]:
        """Yield the steps still to do, behind a progress bar that shows the loss."""
        total = self.settings["n_steps"]
        self.clock = time.process_time() - self.history.cpu_s
        if not self.fabric.is_global_zero:
            yield from range(self.step, total)
            return
        bar = progress.bar(label, total=total, unit="step", initial=self.step)
        try:
            for step in range(self.step, total):
                yield step
                bar.set_postfix_str(f"loss {self.history.losses[-1]:.4g}", refresh=False)
                bar.update()
        finally:
            bar.close()

    def train(self, batch: tuple[Tensor, ...]) -> None:
        """Take one step on this rank's part of ``batch``."""
        rank, world = self.fabric.global_rank, self.fabric.world_size
        if len(batch[0]) % world:
            raise ValueError(f"make_batch returned {len(batch[0])} items, which {world} processes cannot share equally")
        self._seed(rank)
        self.objective.train()
        value = self.objective(*self.fabric.to_device(tuple(part[rank::world] for part in batch)))
        mean = (self.fabric.all_reduce(value.detach(), reduce_op="mean") if world > 1 else value).item()
        if not math.isfinite(mean):
            raise FloatingPointError(
                f"the loss is {mean} at step {self.step + 1}; lower the learning rate, or look at it"
            )
        self.optimiser.zero_grad()
        self.fabric.backward(value)
        self.optimiser.step()
        self.schedule.step()
        self.step += 1
        self.history.steps.append(self.step)
        self.history.losses.append(mean)
        self.history.cpu_s = time.process_time() - self.clock

    def evaluate(self, evaluate: Callable[[nn.Module], dict[str, float]]) -> None:
        """Record an evaluation, and the weights if it is the best so far."""
        self.model.eval()
        with torch.no_grad():
            values = {name: float(value) for name, value in evaluate(self.model).items()}
        if "loss" not in values:
            raise ValueError(f'evaluate must return a dict with an entry "loss", got {sorted(values)}')
        values = self.fabric.broadcast({"step": self.step, **values})
        self.history.evaluations.append(values)
        if self.history.best is None or values["loss"] < self.history.best["loss"]:
            weights = {name: tensor.detach().cpu().clone() for name, tensor in self.model.state_dict().items()}
            self.history.best = {**values, "weights": weights}

    def agree(self, stop: bool) -> bool:
        """Return True on every rank as soon as one of them was asked to stop."""
        if self.fabric.world_size == 1:
            return stop
        return bool(self.fabric.all_reduce(torch.tensor(float(stop), device=self.fabric.device), reduce_op="sum"))

    def check_weights(self) -> None:
        """FloatingPointError unless every weight is finite."""
        for name, tensor in self.model.state_dict().items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise FloatingPointError(f"the weights {name} are not finite after step {self.step}")

    def save(self) -> None:
        """Write the state in one step: a process killed here leaves the old file or the new one, whole."""
        self.check_weights()
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.adam.state_dict(),
            "schedule": self.schedule.state_dict(),
            "step": self.step,
            "history": vars(self.history),
            "settings": self.settings,
        }
        if self.fabric.is_global_zero:
            atomic.write(self.path, lambda temporary: self.fabric.save(temporary, state))
        else:
            self.fabric.save(self.path, state)  # writes nothing on this rank, waits for the first

    def load(self) -> None:
        """Go on from the saved state, if there is one; clear away what a killed process was still writing."""
        if self.fabric.is_global_zero:
            for leftover in self.path.parent.glob(f".{STATE}.*.part"):
                leftover.unlink(missing_ok=True)
        if not self.path.exists():
            return
        state = _read(self.path)
        changed = [
            f"{name} was {state['settings'].get(name)!r}, is {value!r}"
            for name, value in self.settings.items()
            if state["settings"].get(name) != value
        ]
        if changed:
            raise ValueError(f"{self.path} belongs to a run with other settings: {'; '.join(changed)}")
        self.model.load_state_dict(state["model"])
        self.adam.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.step, self.history = state["step"], History(**state["history"])

    def _seed(self, rank: int) -> None:
        """Seed torch for the next step, so that dropout and other noise depend on (seed, step, rank) alone."""
        sequence = np.random.SeedSequence([self.settings["seed"], self.step, 1 + rank])
        value = int(sequence.generate_state(1, np.uint64)[0] >> 1)
        torch.default_generator.manual_seed(value)
        if self.fabric.device.type != "cpu":
            getattr(torch, self.fabric.device.type).manual_seed(value)


def _fabric(accelerator: str, devices: int, precision: str) -> "Fabric":
    """Return a launched Fabric; under torchrun or ``fabric run`` the launcher says how many processes there are."""
    from lightning_fabric import Fabric  # takes more than a second: only those who train wait for it

    n_nodes = 1
    if torch.distributed.is_torchelastic_launched():
        devices = int(os.environ["LOCAL_WORLD_SIZE"])
        n_nodes = int(os.environ["WORLD_SIZE"]) // devices
        if accelerator == "auto" and torch.cuda.device_count() < devices:
            accelerator = "cpu"  # a GPU is not shared
    fabric = Fabric(
        accelerator=accelerator, devices=check.whole("devices", devices), num_nodes=n_nodes, precision=precision
    )
    if not os.environ.get("LT_CLI_USED"):  # `fabric run` has launched already
        fabric.launch()
    return fabric


def _batch(make_batch: Callable, seed: int, step: int) -> tuple[Tensor, ...]:
    """Return the batch of ``step``, a tuple of tensors of equal length; ValueError if it is anything else."""
    batch = make_batch(np.random.default_rng([seed, step]), step)
    if not isinstance(batch, tuple) or not batch or not all(isinstance(part, Tensor) and part.ndim for part in batch):
        raise ValueError(f"make_batch must return a tuple of tensors with a batch axis, got {type(batch).__name__}")
    if len({len(part) for part in batch}) > 1:
        raise ValueError(f"make_batch must return tensors of equal length, got {[len(part) for part in batch]}")
    return batch


def _shape_of(model: nn.Module) -> str:
    """Return a short fingerprint of the names and shapes of a model's weights."""
    shapes = repr([(name, tuple(tensor.shape)) for name, tensor in model.state_dict().items()])
    return hashlib.sha256(shapes.encode()).hexdigest()[:12]


def _read(path: Path) -> dict:
    """Return a saved state; ``DamagedState`` unless every byte of it is as it was written."""
    try:
        with zipfile.ZipFile(path) as archive:  # torch.load does not look at the checksums in its own archive
            broken = archive.testzip()
        if broken:
            raise DamagedState(f"checksum of {broken}")
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not {"model", "optimiser", "schedule", "step", "history", "settings"} <= set(state):
            raise DamagedState("parts are missing")
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedState(f"{path} is damaged ({reason}): delete it and train again from the start") from error
    return state


@contextmanager
def _random_state(device: torch.device) -> Iterator[None]:
    """Give the caller's torch random state back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


@contextmanager
def _stop_request(world_size: int) -> Iterator[threading.Event]:
    """Turn Ctrl-C into a request that the loop meets between two steps; a second Ctrl-C stops at once.

    Under a launcher the signal arrives twice (from the terminal and from the launcher), so there it never does.
    """
    stop = threading.Event()

    def request(signum, frame):  # noqa: ARG001
        if stop.is_set() and world_size == 1:
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGINT, request)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
