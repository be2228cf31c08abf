"""How the U-Net is trained: on stacks simulated on the fly, of hard spheres at many densities and of many optics.

A batch has one optics; each stack in it has its own configuration, place, orientation, light and noise. Everything is
drawn from the generator of a step, so that a training is reproducible and resumes bit by bit.
"""

from itertools import product

import numpy as np
import torch

from helpers.colloids import confocal, suspension, unet
from helpers.colloids.io import Configuration
from helpers.colloids.scoring import score
from helpers.common import atomic, checkpoints, places, profiles, training

__all__ = [
    "MIXTURE",
    "configurations",
    "draw",
    "loss",
    "make_batch",
    "target",
    "train",
    "train_colloids",
]

MIXTURE = (  # spheres, volume fraction, polydispersity; seeds from 9000 on
    (500, 0.05, 0.0),
    (500, 0.15, 0.0),
    (600, 0.25, 0.0),
    (700, 0.35, 0.0),
    (864, 0.45, 0.0),
    (864, 0.50, 0.0),
    (864, 0.53, 0.0),
    (864, 0.55, 0.06),
    (864, 0.56, 0.06),
)
FIRST_SEED = 9_000
SIDE = 40  # px, of a stack
BATCH = 4
N_STEPS = 3400
EMPTY = 0.08  # part of the stacks that hold no sphere
LATE = 1500  # the step from which empty stacks weigh as much as peaks
PEAK = 10.0  # more weight of a peak than of what is none
WIDTH_PX = 1.5  # standard deviation of a peak of the map
REACH = 4.5  # standard deviations of the blur from which spheres shine in
_TURNS = tuple(np.array(list(product((-1, 1), repeat=3))))


def configurations(mixture=MIXTURE, folder=places.BUILD / "colloids") -> list[Configuration]:
    """Return the configurations of the training, made once (two minutes) and kept in ``folder``."""
    found = []
    for number, (n, phi, spread) in enumerate(mixture):
        path = folder / f"training-{number}-{n}-{phi:g}-{spread:g}.npz"
        if not path.is_file():
            rng = np.random.default_rng(FIRST_SEED + number)
            positions, box = suspension.hard_spheres(n, phi, spread, rng)
            atomic.write(path, lambda to, arrays=(positions, box): _save(to, *arrays))
        with np.load(path) as kept:
            found.append(Configuration(kept["positions"], kept["box"], suspension.diameters(n, spread), phi))
    return found


def _save(path, positions, box):
    with path.open("wb") as stream:
        np.savez(stream, positions=positions, box=box)


def draw(known: list[Configuration], n: int, rng: np.random.Generator, side: int = SIDE):
    """Return n normalised stacks (n, side, side, side) float32 and the centres in each, a list of (m, 3) px."""
    d = rng.uniform(8, 13)
    blur = rng.uniform(0.25, 0.6) * d, *[rng.uniform(0.1, 0.25) * d] * 2
    stacks, centres = np.empty((n, side, side, side), np.float32), []
    for stack in stacks:
        around, sizes = (np.zeros((0, 3)), d)
        if rng.random() >= EMPTY:
            around, sizes = _neighbourhood(known[rng.integers(len(known))], d, blur, side, rng)
        light = np.maximum(1 + rng.uniform(0, 0.3) * rng.standard_normal(len(around)), 0.2)
        stack[:] = confocal.image(
            around,
            sizes,
            blur,
            stack.shape,
            snr=np.exp(rng.uniform(np.log(1.5), np.log(25))),
            rng=rng,
            brightness=light,
            background=rng.uniform(0, 0.5),
            bleaching=rng.uniform(0, 0.6),
            photons=bool(rng.random() < 0.5),
        )
        dark, scale = unet.levels(stack)
        stack -= dark + scale * rng.normal(0, 0.3)  # a part of a stack is darker or brighter than the whole
        stack *= np.exp(rng.normal(0, 0.25)) / scale
        centres.append(around[((around >= -0.5) & (around <= side - 0.5)).all(1)])
    return stacks, centres


def _neighbourhood(configuration, d, blur, side, rng):
    """Return the spheres in and around a cube of a configuration, at random place and orientation, and diameters."""
    positions, box, sizes, _ = configuration
    margin = sizes.max() * d / 2 + REACH * np.array(blur)
    turned = (positions * _TURNS[rng.integers(8)])[:, rng.permutation(3)] + rng.random(3) * box
    index, places = suspension.images_within(turned, box, -margin / d, (side - 1 + margin) / d)
    sizes = sizes[index] * d
    return places * d, sizes if np.ptp(sizes) else d


def target(centres, side: int = SIDE, width_px: float = WIDTH_PX) -> np.ndarray:
    """Return the map (side, side, side) of centres (m, 3) px: the largest of Gaussians of height 1."""
    steps = np.arange(side)
    total = np.zeros((side,) * 3, np.float32)
    for z, y, x in centres:
        g = [np.exp(-((steps - c) ** 2) / (2 * width_px**2)).astype(np.float32) for c in (z, y, x)]
        spans = [slice(int(max(0, c - 8)), int(c + 9)) for c in (z, y, x)]
        gz, gy, gx = (a[s] for a, s in zip(g, spans, strict=True))
        part = total[tuple(spans)]
        np.maximum(part, gz[:, None, None] * gy[:, None] * gx, out=part)
    return total


def make_batch(known, rng, step: int = 0, n: int = BATCH, side: int = SIDE):
    """Return stacks and maps (n, side, side, side), and the weight of what is no peak in each (n,), tensors.

    It is 1, in empty stacks 11 from step ``LATE`` on.
    """
    stacks, centres = draw(known, n, rng, side)
    maps = np.stack([target(c, side) for c in centres])
    weights = [1.0 if len(c) or step < LATE else 1.0 + PEAK for c in centres]
    return torch.from_numpy(stacks), torch.from_numpy(maps), torch.tensor(weights)


def loss(model, stacks, maps, weights):
    """Return the mean of w (y' - y)^2 over voxels, w = ``weights`` where y = 0, 11 where y = 1, linear between.

    A peak fills few voxels, hence the weight; but with it the map is 11 p / (1 + 10 p) where there is a peak with
    probability p, and noise alone would show many, unless empty stacks weigh as much.
    """
    w = weights[:, None, None, None]
    return ((w + (1 + PEAK - w) * maps) * (model(stacks) - maps).square()).mean()


def train(n_steps: int = N_STEPS, seed: int = 0, known=None, side: int = SIDE, **options):
    """Return a U-Net trained for ``n_steps`` and its history; ``options`` go to ``training.fit``."""
    known = configurations() if known is None else known
    model = training.initialise(unet.UNet3D, seed)
    history = training.fit(
        model,
        lambda rng, step: make_batch(known, rng, step, side=side),
        loss,
        n_steps=n_steps,
        learning_rate=4e-3,
        precision="bf16-mixed",
        seed=seed,
        label="3D U-Net",
        **options,
    )
    return model, history


def train_colloids(profile: str = "full", resume: bool = False) -> None:
    """Train the shipped U-Net, 25 minutes on one CPU thread."""
    full = profiles.get(profile).name == "full"
    known = configurations()
    pools = [make_batch(known, np.random.default_rng([FIRST_SEED, number]), N_STEPS) for number in range(8)]

    def evaluate(model):
        return {"loss": np.mean([float(loss(model, *pool)) for pool in pools])}

    model, history = train(
        N_STEPS if full else 20,
        known=known,
        evaluate=evaluate,
        evaluate_every=200,
        run_dir=places.BUILD / "runs" / f"colloids-{profile}",
        resume=resume,
        save_every=100,
    )
    model.half().float()  # as it is shipped
    metrics = _metrics(model)
    print("colloids", metrics)
    if not full:
        return
    card = {
        "description": "3D U-Net that finds spheres in confocal stacks; weights in 16 bits.",
        "command": "python -m helpers train colloids --profile full",
        "seed": 0,
        "cpu_s": round(history.cpu_s),
        "hardware": "one CPU thread",
        "settings": model.settings,
        "metrics": metrics,
        "known_failures": "Knows diameters of 8-13 px, blur along z of 0.25-0.6 and across of 0.1-0.25 diameters. "
        "With more blur spheres of dense stacks are found twice or merge: at phi 0.55 and SNR 5, blur along z of 0.65 "
        "diameters, precision 0.93 and recall 0.97; D = 8 px and blur (4, 1.5, 1.5) px, recall 0.88.",
    }
    state = {key: value.half() if value.is_floating_point() else value for key, value in model.state_dict().items()}
    print(checkpoints.save("colloids", state, card))


def _metrics(model):
    """Return scores of stacks of 80^3 px, of configurations that the training has not seen, D = 10 px."""
    rows = {}
    for number, (phi, spread) in enumerate(((0.30, 0.0), (0.45, 0.0), (0.55, 0.06))):
        rng = np.random.default_rng(FIRST_SEED + 100 + number)
        centres = 10 * suspension.hard_spheres(900, phi, spread, rng)[0] - 7
        sizes = 10 * suspension.diameters(900, spread)
        for snr in (20, 5, 2):
            stack = confocal.image(centres, sizes, (4, 1.5, 1.5), (80,) * 3, snr, rng)
            found = unet.track(stack, model)[list("zyx")]
            rows[f"phi {phi:g}, snr {snr}"] = score(found, centres, 10, stack.shape)._asdict()
    noise = np.random.default_rng(FIRST_SEED).standard_normal((64,) * 3)
    return rows | {"spheres in noise of 64^3 px": len(unet.track(noise, model))}
