"""The decoder and the retrieval in the page are those of the package."""

import re
from itertools import pairwise

import numpy as np
import pytest
import torch

from helpers.common import training
from helpers.textures import generators, retrieval, statistics, widgets
from helpers.textures.vae import StatisticsVAE
from helpers.textures.whole_lines import crop

N = 64
NAMES = [f"z{k}" for k in range(1, 10)]
SIZES = {"n_components": 64, "band": 16, "hidden": 96}


@pytest.fixture(scope="module")
def page(module):
    return module("helpers/textures/walk.js")


@pytest.fixture(scope="module")
def model():
    model = training.initialise(lambda: StatisticsVAE(N, 9, **SIZES), 0)
    model.fit(lambda n, rng: generators.lines(n, N, rng=rng)[0], 200, n_images=1000, seed=0)
    return model.eval()


@pytest.fixture(scope="module")
def packed(model):
    """Return the model as the page gets it: sizes and a list of bytes."""
    sizes, data = widgets.walk_weights(model)
    return sizes, list(data)


@pytest.fixture(scope="module")
def images():
    return generators.lines(6, N, rng=np.random.default_rng(2))[0].astype(float)


def flat(x):
    return np.asarray(x, float).ravel().tolist()


# --- the decoder ----------------------------------------------------------------------------------------------------

DECODE = """(m, sizes, bytes, zs) => {
  const weights = m.unpack(sizes, new Uint8Array(bytes));
  return zs.map((z) => {
    const { amplitude, counts } = m.decode(weights, z);
    return [Array.from(amplitude), Array.from(counts)];
  });
}"""


def test_latents_are_decoded_as_in_the_package(page, model, packed):
    z = np.random.default_rng(0).standard_normal((20, 9))
    z[0], z[1] = 0, 3
    found = page(DECODE, *packed, z.tolist())
    A, counts = (x.numpy() for x in model.decode(z))
    ours = np.array([amplitude for amplitude, _ in found]).reshape(A.shape)
    error = np.linalg.norm(ours - A, axis=(1, 2)) / np.linalg.norm(A, axis=(1, 2))
    assert error.max() < 1e-3
    assert A.std(0).max() > 5, "the model says the same for all latents"
    assert (ours >= 0).all()
    np.testing.assert_allclose([given for _, given in found], counts, rtol=1e-3)


def test_the_whole_half_plane_is_that_of_the_package(page, model, packed):
    A = model.decode(np.ones((1, 9)))[0]
    sizes, data = packed
    call = """(m, sizes, bytes, A) => {
      const weights = m.unpack(sizes, new Uint8Array(bytes));
      return Array.from(m.halfPlane(A, sizes.band, sizes.size, weights.mean));
    }"""
    found = np.reshape(page(call, sizes, data, flat(A)), (N, N // 2 + 1))
    np.testing.assert_allclose(found, model.features.amplitude(A)[0], rtol=6e-4)


def test_the_weights_fit_into_a_page(model, packed):
    sizes, data = packed
    n_layers = sum(columns * rows + rows for columns, rows in sizes["layers"])
    assert len(data) == 2 * (n_layers + 64 * 33 * 17 + N * (N // 2 + 1)) < 150_000
    assert sizes["layers"] == [[9, 96], [96, 96], [96, 96], [96, 67]]
    assert (sizes["size"], sizes["band"], sizes["components"]) == (N, 16, 64)
    last = np.frombuffer(bytes(data), "<f2")[-N * (N // 2 + 1) :]
    np.testing.assert_allclose(last, model.features.mean.flatten(), rtol=1e-3)


@pytest.mark.parametrize(
    ("size", "options", "message"),
    [
        (64, {"decoder": "image"}, "decoder 'statistics'"),
        (48, SIZES, "power of 2, got 48"),
        (64, {**SIZES, "latent_dim": 8}, "9 latents, got 8"),
        (64, {**SIZES, "hidden": 200}, "at most 200000 bytes large"),
    ],
)
def test_only_small_models_that_decode_statistics_go_into_the_page(size, options, message):
    with pytest.raises(ValueError, match=message):
        widgets.walk_weights(StatisticsVAE(size, **options))


# --- the image ------------------------------------------------------------------------------------------------------


def test_two_point_statistics_of_amplitudes_are_those_of_the_image(page, images):
    for image in images:
        f = page("(m, A, n) => Array.from(m.twoPoint(A, n))", flat(statistics.amplitude(image)), N)
        np.testing.assert_allclose(np.reshape(f, (N, N)), statistics.two_point(image), atol=1e-10)


def test_the_largest_pixels_are_kept_also_among_equal_ones(page):
    call = "(m, x, n) => Array.from(m.binary(x, n))"
    x = np.random.default_rng(0).standard_normal((N, N))
    for n_on in (0, 1, 700, N * N):
        expected = retrieval.binary(torch.from_numpy(x)[None], [n_on])[0]
        np.testing.assert_array_equal(np.reshape(page(call, flat(x), n_on), (N, N)), expected)
    assert page(call, [0, 1, 1, 0.5, 1], 2) == [0, 1, 1, 0, 0]
    assert page(call, [0, 0, 0], 2) == [1, 1, 0]


def test_the_misfit_is_that_of_the_package(page, images):
    A = torch.from_numpy(statistics.amplitude(images))
    for image, other in zip(images, A.roll(1, 0), strict=True):
        expected = float(retrieval.misfit(torch.from_numpy(image)[None], other[None])[0])
        assert page("misfit", flat(image), flat(other), N) == pytest.approx(expected, rel=1e-9)
        within = "(m, x, A, n, places) => m.misfit(x, A, n, places)"
        places = crop(torch.arange(N * (N // 2 + 1)).reshape(1, N, -1), 5).flatten().tolist()
        seen = crop(torch.fft.rfft2(torch.from_numpy(image)[None]).abs(), 5)
        low = crop(other[None], 5)
        expected = float((seen - low).square().sum() / low.square().sum())
        assert page(within, flat(image), flat(other), N, places) == pytest.approx(expected, rel=1e-9)


def test_relaxed_reflections_go_where_those_of_the_package_go(page, model, images):
    """Exact amplitudes, and decoded ones, which no image has."""
    A, counts = model.decode(np.full((1, 9), 0.5))
    cases = [(statistics.amplitude(images[0]), int(images[0].sum()))]
    cases.append((model.features.amplitude(A)[0].double().numpy(), int(counts[0, 2].round())))
    call = "(m, A, n, on, start, steps) => { const r = m.retrieve(A, n, on, start, steps); return [...r.x, r.misfit]; }"
    for amplitude, n_on in cases:
        given = torch.from_numpy(amplitude)[None]
        start = np.random.default_rng(0).random((N, N))
        x = torch.from_numpy(start)[None]
        for _ in range(8):
            near = retrieval.with_amplitude(x, given)
            reflected = 2 * near - x
            on = retrieval.binary(reflected, [n_on])
            x = retrieval.BETA / 2 * (2 * on - reflected + x) + (1 - retrieval.BETA) * near
        *found, misfit = page(call, flat(amplitude), N, n_on, flat(start), 8)
        np.testing.assert_allclose(np.reshape(found, (N, N)), x[0], atol=1e-6)
        assert misfit == pytest.approx(float(retrieval.misfit(retrieval.binary(near, [n_on]), given)), rel=1e-6)


def test_line_images_are_found_again(page, images):
    """From their exact |F|, up to a shift and a point inversion, from most starts."""
    call = """(m, A, n, on, seeds) => seeds.map((seed) => {
      const { image, misfit } = m.retrieve(A, n, on, m.noise(seed, n), 150);
      return [image.join(""), misfit];
    })"""
    hits = []
    for image in images[:4]:
        for digits, misfit in page(call, flat(statistics.amplitude(image)), N, int(image.sum()), [1, 2, 3, 4]):
            found = np.array(list(digits), float).reshape(N, N)
            assert found.sum() == image.sum()
            hits.append(same(found, image))
            assert hits[-1] == (misfit < 1e-6)
    assert np.mean(hits) >= 0.6


def test_a_retrieval_that_goes_on_keeps_the_image_in_its_place(page, images):
    call = """(m, A, n, on) => {
      const one = m.retrieve(A, n, on, m.noise(2, n), 150);
      return [one, m.retrieve(A, n, on, one.x, 25)].map(({ image }) => image.join(""));
    }"""
    one, more = page(call, flat(statistics.amplitude(images[0])), N, int(images[0].sum()))
    assert same(np.array(list(one), float).reshape(N, N), images[0])
    assert one == more


def same(one, other):
    """Return whether a shift, with or without a point inversion, makes one binary image the other."""
    for x in (one, one[::-1, ::-1]):
        overlap = np.fft.ifft2(np.conj(np.fft.fft2(x)) * np.fft.fft2(other)).real.max()
        if overlap > other.sum() - 0.5:
            return True
    return False


def test_noise_and_latents_belong_to_their_seed(page):
    one, again, other = (page("(m, seed) => [...m.noise(seed, 64)]", seed) for seed in (1, 1, 2))
    assert one == again != other
    assert 0 < min(one) < max(one) < 1
    drawn = page("(m) => Array.from({ length: 400 }, (_, seed) => m.drawnLatents(seed))")
    assert [list(z) for z in drawn] == [NAMES] * 400
    z = np.array([list(z.values()) for z in drawn])
    assert abs(z).max() <= 3
    np.testing.assert_array_equal(np.round(z, 1), z)
    assert abs(z.mean()) < 4 / np.sqrt(z.size)
    assert z.std() == pytest.approx(1, abs=0.05)


# --- the figure -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def live(use, packed):
    sizes, data = packed
    given = {"settings": widgets.LatentWalk().settings, "sizes": sizes, "data": data}
    return lambda *steps, order=(): use("helpers/textures/walk.js", given | {"order": list(order)}, steps)


def latents(seen):
    return [seen["settings"][name] for name in NAMES]


def numbers(seen):
    """Return volume fraction, number of lines and misfit in per cent, as the sentence says them."""
    return [float(x) for x in re.search(r"fraction ([\d.]+),.* n = ([\d.]+)\..* by ([\d.]+) %", seen["words"]).groups()]


def test_the_reader_walks(live, model):
    start, moved, rested, drawn, back = live({"z2": 1.5}, "rest", "Random latents", "Back to zero")
    assert latents(start) == latents(back) == [0] * 9
    assert latents(moved) == [0, 1.5, *[0] * 7]
    for seen in (start, moved, rested, drawn):
        counts = model.decode([latents(seen)])[1][0].double().numpy()
        fraction, lines, misfit = numbers(seen)
        assert fraction == pytest.approx(counts[2] / N**2, rel=1e-3, abs=6e-4)
        assert lines == pytest.approx(counts[0] * counts[1] / counts[2], rel=3e-3, abs=6e-3)
        assert 0 < misfit < 100
        (map_words, _), (image_words, _) = seen["pictures"]
        n_on = int(re.search(r", (\d+) of them bright", image_words)[1])
        assert n_on == pytest.approx(counts[2], rel=2e-3, abs=0.6)
        assert map_words.startswith("f(r) against lags of up to 32 pixels")
        assert [value for _, value in seen["sliders"]] == latents(seen)
    assert moved["pictures"][0] == rested["pictures"][0]
    assert numbers(rested)[2] <= numbers(moved)[2], "resting makes the image worse"
    assert start["pictures"] != moved["pictures"]
    assert drawn["settings"]["seed"] == start["settings"]["seed"] + 1
    assert len(set(latents(drawn))) > 4
    assert start["pictures"][0] == back["pictures"][0]


def test_every_latent_and_every_button_changes_the_pictures(live):
    seen = live(*({"slide": [k, 2]} for k in range(9)), "New start")
    for before, after in pairwise(seen[:-1]):
        assert before["pictures"][0] != after["pictures"][0]
    assert latents(seen[-1]) == [2] * 9
    assert seen[-2]["pictures"][0] == seen[-1]["pictures"][0]
    assert seen[-2]["pictures"][1] != seen[-1]["pictures"][1]


def test_sliders_stand_in_the_order_given(live):
    labels = [[label for label, _ in live(order=order)[0]["sliders"]] for order in ((), [4, 0, 8, 1, 2, 3, 5, 6, 7])]
    assert labels[0] == [f"z{chr(0x2080 + k)}0.0" for k in range(1, 10)]
    assert [label[1] for label in labels[1]] == [chr(0x2081 + k) for k in [4, 0, 8, 1, 2, 3, 5, 6, 7]]
    (_, moved) = live({"slide": [0, -1]}, order=[4, 0, 8, 1, 2, 3, 5, 6, 7])
    assert moved["settings"]["z5"] == -1
    assert moved["sliders"][0][0].endswith("\u22121.0")


def test_the_widget_prints_its_name():
    assert repr(widgets.LatentWalk()) == "LatentWalk()"
