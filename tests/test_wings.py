"""The pictures on the first page compute what the package computes: the browser gives the numbers of Python."""

import numpy as np
import pytest
import torch
from scipy import stats

from helpers.colloids import confocal, structure, suspension
from helpers.common.places import BOOK
from helpers.microgels import clouds
from helpers.nanoparticles import particles, poses
from helpers.textures import generators, statistics

SIZE = 128


@pytest.fixture(scope="module")
def wing(_evaluate):
    """Return ``wing(name)``, which gives a function that evaluates ``(w, ...) => ...`` with the wing ``w``."""

    def load(name: str):
        files = [BOOK / "vendor" / file for file in ("hero.js", "wings.js", f"wing-{name}.js")]
        code = "\n".join(file.read_text(encoding="utf-8") for file in files) + "\nexport default wings;"
        given = f"(m, ...rest) => %s(m.default.{name}, ...rest)"
        return lambda expression, *rest: _evaluate(code, given % f"({expression})", list(rest))

    return load


@pytest.fixture(scope="module")
def gels(wing):
    return wing("microgels")


@pytest.fixture(scope="module")
def particle(wing):
    return wing("nanoparticles")


@pytest.fixture(scope="module")
def texture(wing):
    return wing("textures")


@pytest.fixture(scope="module")
def stack(wing):
    return wing("colloids")


# ---- microgels ----


@pytest.mark.parametrize("temperature", [20, 30, 34.35, 38, 50])
def test_a_gel_swells_as_in_the_simulator(gels, temperature):
    state = clouds.swelling(temperature)
    ours = gels("(w, T) => w.swelling(T)", temperature)
    names = {
        "shell": "shell_radius_nm",
        "core": "core_radius_nm",
        "share": "core_weight",
        "fuzz": "fuzz_nm",
        "aspect": "z_aspect",
    }
    assert ours == pytest.approx({ours: float(getattr(state, theirs)) for ours, theirs in names.items()}, rel=1e-12)


def radial(state, r):
    """Return the density of distances, before the gel is flattened."""
    rho = [clouds.fuzzy_sphere_density(r, float(radius), float(state.fuzz_nm)) for radius in state[1:3]]
    return 4 * np.pi * r**2 * ((1 - state.core_weight) * rho[0] + state.core_weight * rho[1])


@pytest.mark.parametrize("temperature", [21, 35, 48])
def test_the_points_and_the_radius_of_gyration_follow_the_density(gels, temperature):
    state, r = clouds.swelling(temperature), np.linspace(0, 800, 8001)
    shell = radial(state, r) * (r[1] - r[0])
    gyration = np.sqrt((shell * r**2).sum() * (2 + state.z_aspect**2) / 3)
    assert gels("(w, T) => w.radiusOfGyration(T)", temperature) == pytest.approx(gyration, rel=1e-4)
    points = np.array(gels("(w, T) => w.cloud(T, w.draws(8000, 11))", temperature)) / [1, 1, state.z_aspect]
    distances = np.linalg.norm(points, axis=1)
    assert stats.kstest(distances, lambda x: np.interp(x, r, np.cumsum(shell))).pvalue > 1e-3
    directions = points / distances[:, None]
    assert np.abs(directions.mean(0)).max() < 5 / np.sqrt(3 * len(points))


def test_the_light_microscope_blurs_each_point_and_keeps_its_light(gels):
    picture = np.array(gels("(w, points) => [...w.blurred(points, 40)]", [[0, 0, 0], [100, 50, 70]])).reshape(40, 40)
    assert picture.sum() == pytest.approx(1, abs=0.02)
    at = (np.arange(40) + 0.5) * 16 - 320
    spots = [np.outer(stats.norm(y, 95).pdf(-at), stats.norm(x, 95).pdf(at)) * 16**2 for x, y in ((0, 0), (100, 50))]
    assert np.allclose(picture, np.mean(spots, axis=0), rtol=1e-9)


# ---- nanoparticles ----


def sem(spheres):
    centres, radii = [[s["row"], s["column"]] for s in spheres], [s["r"] for s in spheres]
    gold, sky = particles.specimen(np.array(centres), np.array(radii), (40, 40))
    return 0.5 * gold + 0.15 * sky


@pytest.mark.parametrize("degrees", [0, 40, 135, 300])
def test_the_microscope_sees_the_particle_of_the_package(particle, degrees):
    spheres = particle("(w, angle) => w.turned(angle)", np.radians(degrees))
    picture = np.array(particle("(w, angle) => [...w.picture(angle)]", np.radians(degrees))).reshape(40, 40)
    assert np.allclose(picture, sem(spheres), atol=1e-4)


def test_the_spheres_touch_and_turn_as_one_body_within_the_frame(particle):
    upright, turned = [
        np.array([[s["row"], s["column"], s["r"]] for s in particle("(w, a) => w.turned(a)", a)]) for a in (0, 1.0)
    ]
    apart = np.linalg.norm(np.diff(upright[:, :2], axis=0), axis=1)
    assert apart == pytest.approx(upright[1:, 2] + upright[:-1, 2], rel=1e-9)
    angles = [particles.inertia(body[:, :2], body[:, 2])[0] for body in (upright, turned)]
    assert (angles[1] - angles[0]) % 180 == pytest.approx(np.degrees(1.0), abs=1e-6)  # counter-clockwise as seen
    assert (np.linalg.norm(upright[:, :2] - 19.5, axis=1) + upright[:, 2]).max() < 20


def test_turning_back_is_the_move_of_the_package_and_correlation_that_of_numpy(particle):
    angle = 0.7
    seen = np.array(particle("(w, a) => [...w.picture(a)]", angle))
    back = np.array(particle("(w, a) => [...w.resampled(w.picture(a), -a)]", angle))
    theirs = poses.move(torch.tensor(seen.reshape(1, 40, 40)), -angle, edge="border").numpy().ravel()
    assert np.allclose(back, theirs, atol=1e-9)
    upright = np.array(particle("(w) => [...w.picture(0)]"))
    for other in (seen, back):
        ours = particle("(w, first, second) => w.correlation(first, second)", upright.tolist(), other.tolist())
        assert ours == pytest.approx(np.corrcoef(upright, other)[0, 1], abs=1e-12)
    assert np.corrcoef(upright, back)[0, 1] > 0.95 > 0.5 > np.corrcoef(upright, seen)[0, 1]


# ---- textures ----


class Noise:
    """A generator that gives the noise it was made of."""

    def __init__(self, noise):
        self.noise = noise

    def standard_normal(self, shape):
        return self.noise.reshape(shape)


@pytest.fixture(scope="module")
def noise(texture):
    return np.array(texture("(w) => w.prepare().noise"))


@pytest.mark.parametrize("length", [2, 6, 16])
def test_the_texture_and_its_statistics_are_those_of_the_package(texture, noise, length):
    pattern = np.array(texture("(w, l, noise) => [...w.field(l, noise)]", length, noise.tolist())).reshape(SIZE, SIZE)
    assert np.array_equal(pattern, generators.gaussian_field(1, SIZE, float(length), rng=Noise(noise))[0])
    f = np.array(texture("(w, m) => [...w.autocorrelation(m)]", pattern.ravel().tolist())).reshape(SIZE, SIZE)
    assert np.allclose(f, statistics.two_point(pattern), atol=1e-12)
    rings = np.array(texture("(w, f) => w.radial(f)", f.ravel().tolist()))
    assert np.allclose(rings, np.transpose(statistics.radial_average(f))[: len(rings)], atol=1e-12)


def test_many_textures_obey_the_law(texture):
    r = np.arange(20)
    patterns = generators.gaussian_field(400, SIZE, 6.0, rng=np.random.default_rng(0))
    f = statistics.two_point(patterns)[:, SIZE // 2, SIZE // 2 : SIZE // 2 + 20]
    ours = np.array(texture("(w, r) => r.map((x) => w.law(x, 6))", r.tolist()))
    assert (np.abs(f.mean(0) - ours) < 5 * f.std(0) / np.sqrt(400)).all()


# ---- colloids ----


def test_the_suspension_is_a_fluid_of_hard_spheres(stack):
    box = stack("(w) => w.box")
    seeds = range(1, 7)
    many = [np.array(stack("(w, seed) => w.suspension(seed)", seed)) for seed in seeds]
    r = np.array([1.0, 1.1, 1.2, 1.4, 1.7, 2.0, 2.5])
    found = np.mean([structure.g_of_r(spheres / 10, r, box / 10) for spheres in many], axis=0)
    fine = np.linspace(r[:-1], r[1:], 51)
    theory = np.average(structure.percus_yevick_g(fine.ravel(), 0.45).reshape(fine.shape), axis=0, weights=fine**2)
    assert np.allclose(found, theory, rtol=0.1)
    for spheres in many:
        assert len(spheres) * np.pi / 6 * 10**3 / box**3 == pytest.approx(0.45)
        assert suspension.overlaps(spheres, np.full(3, box), np.full(len(spheres), 10.0)) == 0
        assert structure.bond_order(spheres / 10, 6, box=box / 10) < 0.15  # 0.57 in the crystal it began as


def test_the_stack_is_the_confocal_image_of_the_package(stack):
    light = """(w) => {
      const scene = { spheres: w.suspension(), table: w.profile() }, all = Array.from({ length: 50 }, (_, i) => i);
      return [scene.spheres, ...[0, 24].map((z) => all.map((y) => all.map((x) => w.light(scene, z, y, x)))),
        all.map((z) => all.map((x) => w.light(scene, z, 25, x)))];
    }"""
    spheres, first, middle, side = stack(light)
    box = stack("(w) => w.box")
    shifts = box * np.stack(np.meshgrid(*3 * [[-1, 0, 1]], indexing="ij"), axis=-1).reshape(-1, 1, 3)
    everywhere = (np.array(spheres) + shifts).reshape(-1, 3)
    near = ((everywhere > -30) & (everywhere < 80)).all(axis=1)
    image = confocal.image(everywhere[near], 10, (4, 1.5, 1.5), (50, 50, 50), None, background=0.1)
    for ours, theirs in ((first, image[0]), (middle, image[24]), (side, image[:, 25])):
        assert np.allclose(ours, theirs, atol=0.01)


def test_bars_stand_where_the_column_lies_in_a_sphere(stack):
    spheres, box = np.array(stack("(w) => w.suspension()")), stack("(w) => w.box")
    bars = stack("(w) => w.chords(w.suspension())")
    z = np.linspace(0.05, 49.95, 500)
    apart = np.stack(np.broadcast_arrays(z[:, None], 25.0, 25.0), axis=-1) - spheres
    inside = (np.linalg.norm(apart - box * np.round(apart / box), axis=-1) < 5).any(axis=1)
    assert np.array_equal(inside, np.any([(z > low) & (z < high) for low, high in bars], axis=0))
