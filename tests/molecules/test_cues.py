import numpy as np
import pytest

from helpers.molecules import cues, movies


def film(D, n=40, **changes):
    settings = {"photons": 5000.0, "background": 0.0, "psf_sigma_um": 0.1, "n_pixels": 48} | changes
    return movies.simulate(D, n, rng=np.random.default_rng(1), **settings).images


def test_a_still_molecule_has_no_steps_and_the_width_of_the_spot():
    expected = movies.render(np.zeros((1, 5, 1, 2)), 1e6, 0.1, n_pixels=48)
    found = cues.measure(expected, 0)
    assert found["trajectory"][0] == pytest.approx(0, abs=1e-6)
    assert found["shape"][0] == pytest.approx(2 * (1 + 1 / 12), rel=0.01)


def test_steps_are_those_of_the_walk():
    tracks = np.zeros((1, 5, 1, 2))
    tracks[0, :, 0, 1] = 0.3 * np.arange(5)  # 3 px along x per frame
    found = cues.measure(movies.render(tracks, 1e6, 0.1, n_pixels=48), 0)
    assert found["trajectory"][0] == pytest.approx(9, rel=0.01)


def test_every_cue_grows_with_D():
    slow, fast = cues.measure(film(0.2), 0), cues.measure(film(4.0), 0)
    for name in ("trajectory", "shape", "brightness"):
        assert fast[name].mean() > slow[name].mean()


def test_brightness_alone_follows_the_lamp():
    dim, bright = cues.measure(film(1.0, photons=2000.0), 0), cues.measure(film(1.0, photons=8000.0), 0)
    assert bright["brightness"].mean() / dim["brightness"].mean() == pytest.approx(4, rel=0.05)
    assert bright["shape"].mean() / dim["shape"].mean() == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize("shape", [(16, 48, 48), (2, 16, 12, 48)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="images must have shape"):
        cues.measure(np.ones(shape), 0)
