# ---
# jupyter:
#   jupytext:
#     formats: py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Assignment 01: Measure a molecule, and know what the camera did to it
#
# You turn tracks into a diffusion coefficient, take the errors of the camera off, calibrate the camera from its own noise, and plan an experiment. You need lessons 01 and 02.
#
# | Task | Points | Minutes |
# |---|---|---|
# | 1. Turn a radius into $D$ | 2 | 10 |
# | 2. Compute the mean squared displacement, with lost frames | 3 | 20 |
# | 3. Separate motion from error | 4 | 25 |
# | 4. Read the widget | 3 | 15 |
# | 5. Calibrate a camera from its noise | 4 | 20 |
# | 6. Plan an experiment (written) | 4 | 20 |
#
# Write the name of your folder into the next cell and run it first. Your data and your numbers follow from it.

# %%
STUDENT_ID = "reference"  # the name of your folder

# %% nbgrader={"grade_id": "setup", "locked": true}
import matplotlib.pyplot as plt
import numpy as np

from helpers.common import plotting
from helpers.common.plotting import role
from helpers.course import students
from helpers.molecules import bounds, brownian, camera
from helpers.molecules.widgets import DiffusionExplorer

rng = students.rng(STUDENT_ID, "a01")
DT_S, N_SUB = 0.01, 10  # one frame, and the sub-positions that it averages
BLUR = brownian.blur_coefficient(N_SUB)
BOLTZMANN_J_K = 1.380649e-23

dice = rng.random(9)
# your particle, task 1
particle_D_um2_s, particle_C, particle_mPa_s = np.round([5, 15, 0.9] + dice[:3] * [55, 22, 3], 1)
# your tracks, tasks 2 and 3: 2000 molecules, 16 frames, in the plane
D_um2_s, error_ratio = 0.3 + 1.7 * dice[3], 0.3 + 0.7 * dice[4]
walks_um = brownian.simulate_tracks(D_um2_s, 2000, n_frames=16, dt_s=DT_S, n_sub=N_SUB, rng=rng)
tracks_um = brownian.observe(walks_um, np.sqrt(error_ratio * D_um2_s * DT_S), rng)  # (2000, 16, 2)
# your camera with EM gain, task 5: 40 frames of uneven light, and 40 dark frames
gain, offset, read_noise, level = [20, 100, 1, 8] + dice[5:] * [60, 500, 2, 22]
uneven = level * np.broadcast_to(np.linspace(0.6, 1.4, 48), (40, 48, 48))
light_counts = camera.add_noise(uneven, 0, gain, offset, read_noise, rng, em=True)  # (40, 48, 48)
dark_counts = camera.add_noise(np.zeros((40, 48, 48)), 0, gain, offset, read_noise, rng, em=True)
print(f"Your particle has D = {particle_D_um2_s} µm²/s at {particle_C} °C and {particle_mPa_s} mPa s.")

# %% [markdown]
# ## 1. Turn a radius into $D$
#
# A measured $D$ is useful because it says how large something is. For a sphere of radius $a$ in a liquid of viscosity $\eta$, the thermal energy $k_\mathrm{B} T_\mathrm{abs}$ pushes and the drag $6 \pi \eta a$ holds back. Their ratio is the law of Stokes and Einstein:
#
# $$ D = \frac{k_\mathrm{B} T_\mathrm{abs}}{6 \pi \eta\, a}. $$
#
# **Produce** the function below, and `my_radius_nm`: the radius of your particle, whose numbers the cell above printed.
# The self-checks look at shape and order of magnitude. A protein of a few nanometres has some ten µm²/s in water. (2 points, 10 minutes)


# %% nbgrader={"grade_id": "stokes", "solution": true}
def stokes_einstein(radius_nm, temperature_C=20.0, viscosity_mPa_s=1.0):
    """Return D in µm²/s of a sphere of ``radius_nm`` (a number or an array) in a liquid."""
    ### BEGIN SOLUTION
    drag = 6 * np.pi * (viscosity_mPa_s * 1e-3) * (radius_nm * 1e-9)  # kg/s
    return BOLTZMANN_J_K * (temperature_C + 273.15) / drag * 1e12
    ### END SOLUTION


### BEGIN SOLUTION
my_radius_nm = stokes_einstein(1.0, particle_C, particle_mPa_s) / particle_D_um2_s
### END SOLUTION

# %% nbgrader={"grade_id": "stokes-tests", "grade": true, "points": 2, "locked": true}
assert np.ndim(stokes_einstein(1.0)) == 0, "one radius must give one number"
assert np.shape(stokes_einstein(np.array([1.0, 2.0]))) == (2,), "two radii must give two numbers"
assert 5 < stokes_einstein(1.0) < 5000, (
    f"a sphere of 1 nm in water has some hundred µm²/s, yours has {stokes_einstein(1.0):.3g}: "
    "nm, mPa s and m² must come into one system of units"
)
assert np.ndim(my_radius_nm) == 0, "my_radius_nm must be one number"
assert my_radius_nm > 0, "my_radius_nm must be positive"
### BEGIN HIDDEN TESTS
_rng = students.rng(STUDENT_ID, "a01-hidden-stokes")
_a, _eta = _rng.uniform([1, 0.5], [50, 8])
assert np.isclose(stokes_einstein(2 * _a) / stokes_einstein(_a), 0.5, rtol=1e-3), (
    "a sphere of twice the radius has twice the drag: D must be half as large"
)
_warmer = stokes_einstein(_a, 40.0, _eta) / stokes_einstein(_a, 20.0, _eta)
assert np.isclose(_warmer, 313.15 / 293.15, rtol=1e-3), (
    f"the thermal energy takes the absolute temperature: from 20 to 40 °C D grows by 1.068, yours by {_warmer:.3f}"
)
_thicker = stokes_einstein(_a, 20.0, 2 * _eta) / stokes_einstein(_a, 20.0, _eta)
assert np.isclose(_thicker, 0.5, rtol=1e-3), f"twice the viscosity must halve D, yours changes by {_thicker:.3g}"
_share = stokes_einstein(_a, 30.0, _eta) * 6 * np.pi * _eta * _a / (1.380649e-23 * 303.15 * 1e24)
assert not np.isclose(_share, 2, rtol=0.02), "D is twice too large: 3 pi eta goes with the diameter, not the radius"
assert not np.isclose(_share, 1.5, rtol=0.02), "D is 1.5 times too large: 4 pi eta is the drag of a bubble that slips"
assert np.isclose(_share, 1, rtol=0.003), f"D is {_share:.4g} times k T / (6 pi eta a)"
_dice = students.rng(STUDENT_ID, "a01").random(9)
_D, _C, _mPa_s = np.round([5, 15, 0.9] + _dice[:3] * [55, 22, 3], 1)
_radius_nm = 1.380649e-23 * (_C + 273.15) / (6 * np.pi * _mPa_s * _D) * 1e24
assert not np.isclose(my_radius_nm, 2 * _radius_nm, rtol=0.02), "my_radius_nm is the diameter of your particle"
assert np.isclose(my_radius_nm, _radius_nm, rtol=0.01), (
    f"my_radius_nm is {my_radius_nm / _radius_nm:.3g} times the radius that has your D "
    f"at your temperature and your viscosity"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 2. Compute the mean squared displacement, with lost frames
#
# The MSD at lag $k$ is the mean of the squared displacement over all pairs of frames that lie $k$ apart (lesson 01, section 2). Dyes blink, and a frame in which the molecule was dark has no position: NaN in both coordinates.
# Such a frame must not enter any pair, and it must not move its neighbours closer together in time.
#
# **Produce** the function below. Two cells test it: tracks without gaps (2 points), and tracks with lost frames (1 point). The self-checks look at shape, rest and steady motion. (3 points, 20 minutes)


# %% nbgrader={"grade_id": "msd", "solution": true}
def msd(positions_um, max_lag):
    """Return the time-averaged MSD of each track in µm², shape (n, max_lag); column 0 is lag 1.

    ``positions_um`` has shape (n, T, d), d = 1, 2 or 3 axes; a lost frame is NaN. A lag without any pair gives NaN.
    """
    ### BEGIN SOLUTION
    curve = np.full((len(positions_um), max_lag), np.nan)
    for k in range(1, max_lag + 1):
        squared = ((positions_um[:, k:] - positions_um[:, :-k]) ** 2).sum(axis=-1)  # (n, T - k)
        n_pairs = np.isfinite(squared).sum(axis=-1)
        seen = n_pairs > 0
        curve[seen, k - 1] = np.nansum(squared[seen], axis=-1) / n_pairs[seen]
    return curve
    ### END SOLUTION


# %% nbgrader={"grade_id": "msd-tests", "grade": true, "points": 2, "locked": true}
curves = np.asarray(msd(tracks_um, 5))
assert curves.shape == (2000, 5), f"2000 tracks and 5 lags must give the shape (2000, 5), yours is {curves.shape}"
assert np.allclose(msd(np.ones((3, 8, 2)), 4), 0), "a molecule at rest has an MSD of zero"
steady = 0.2 * np.arange(8.0)[None, :, None] * np.array([1.0, 0.0])  # 0.2 µm per frame along x
assert np.shape(msd(steady, 3)) == (1, 3), "one track must give one row"
### BEGIN HIDDEN TESTS
_rng = students.rng(STUDENT_ID, "a01-hidden-msd")
_v = _rng.uniform(0.1, 0.5)
_steady = _v * np.arange(9.0)[None, :, None] * np.array([1.0, 0.0])
_curve = msd(_steady, 4)[0]
assert not np.isclose(_curve[0], 0), "column 0 is zero for a moving molecule: it must be lag 1, not lag 0"
assert not np.allclose(_curve, _v * np.arange(1, 5)), "distances, not squared distances, are averaged: square first"
_D, _dt_s = _rng.uniform([0.2, 0.005], [5, 0.05])
for _ndim in (2, 3):
    _walks = brownian.simulate_tracks(_D, 500, 64, _dt_s, n_sub=1, ndim=_ndim, rng=_rng)[:, :, 0]
    _ratio = np.mean(msd(_walks, 3), axis=0) / (_D * _dt_s * np.arange(1, 4))
    assert not np.allclose(_ratio, 2, rtol=0.1), (
        f"the MSD of a walk in {_ndim} dimensions grows as {2 * _ndim} D t, yours as 2 D t: add up all axes"
    )
    assert not np.allclose(_ratio, 4, rtol=0.1) or _ndim == 2, "with three axes the MSD grows as 6 D t, yours as 4 D t"
_jump = np.zeros((1, 12, 2))
_jump[:, 5:] = (3.0, 4.0)  # a molecule that hops once by 5 µm: 5 frames before, 7 after
_pairs = np.array([min(k, 5, 7, 12 - k) for k in range(1, 12)])  # pairs that have the hop between them
_seen = msd(_jump, 11)[0] / 25
assert not np.allclose(_seen, np.arange(1, 12) >= 5), (
    "only displacements from the first frame are taken: use every pair of frames that lie k apart"
)
assert not np.allclose(_seen, _pairs / 12), "the sum at lag k is divided by T: it has only T - k pairs"
assert not np.allclose(_seen, _pairs / 11), "the sum at lag k is divided by T - 1: it has only T - k pairs"
assert np.allclose(_seen, _pairs / (12 - np.arange(1, 12))), (
    f"a molecule that hops once has the MSD of the pairs around the hop, all overlapping pairs counted: "
    f"{np.round(_pairs / (12 - np.arange(1, 12)), 3)} times the square of the hop, yours {np.round(_seen, 3)}"
)
assert np.allclose(_curve, (_v * np.arange(1, 5)) ** 2), "steady motion must give (v t)²: t is the lag, not the frame"
_angle = _rng.uniform(0.3, 1.2)
_turn = np.array([[np.cos(_angle), -np.sin(_angle)], [np.sin(_angle), np.cos(_angle)]])
_walks = _walks[:20, :, :2]
assert np.allclose(msd(_walks @ _turn + 7.0, 6), msd(_walks, 6)), "to turn and shift all axes must not change the MSD"
assert np.allclose(msd(10 * _walks, 6), 100 * msd(_walks, 6)), "ten times the positions must give 100 times the MSD"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "msd-tests-2", "grade": true, "points": 1, "locked": true}
blinking = np.array(steady)
blinking[0, 3] = np.nan
assert np.isfinite(msd(blinking, 3)).all(), "one lost frame makes the whole curve NaN: leave out its pairs only"
### BEGIN HIDDEN TESTS
_rng = students.rng(STUDENT_ID, "a01-hidden-lost")
_v = _rng.uniform(0.1, 0.5)
_steady = _v * (1 + np.arange(12.0))[None, :, None] * np.array([0.6, 0.8])
_steady = np.repeat(_steady, 3, axis=0)
for _track, _lost in enumerate(([4], [1, 2], [0, 6, 9])):
    _steady[_track, _lost] = np.nan
_ratio = msd(_steady, 4) / (_v * np.arange(1, 5)) ** 2
_counts = np.array([[np.isfinite(t[k:, 0] - t[:-k, 0]).sum() / (12 - k) for k in range(1, 5)] for t in _steady])
assert not np.allclose(_ratio, _counts), "the sum is divided by T - k, but lost frames leave fewer pairs than that"
_walks = brownian.simulate_tracks(1.0, 3, 12, n_sub=1, rng=_rng)[:, :, 0]
_walks[np.isnan(_steady)] = np.nan
_alone = np.array([msd(_walks[i : i + 1], 4)[0] for i in range(3)])
assert np.allclose(msd(_walks, 4), _alone), "what one track lost must not change the MSD of another track"
_closed = _steady[:1, np.isfinite(_steady[0, :, 0])]
assert not np.allclose(msd(_steady[:1], 4), msd(_closed, 4)), (
    "lost frames are cut out and the gap is closed: neighbours of a gap then lie one frame apart, but are two apart"
)
assert np.allclose(_ratio, 1), "steady motion with lost frames must still give (v t)²: a lost frame is not at zero"
_zigzag = np.tile([0.0, 0.3], 6)[None, :, None] * np.ones(2)
_zigzag[0, [3, 8]] = np.nan
assert np.allclose(msd(_zigzag, 4), 0.18 * np.array([1, 0, 1, 0])), (
    "a zigzag of period 2 has MSD zero at even lags; yours does not where frames are lost: do not fill them in"
)
_poor = np.full((1, 6, 2), np.nan)
_poor[0, [0, 3]] = [[0, 0], [0.6, 0.8]]
assert np.allclose(msd(_poor, 3), [[np.nan, np.nan, 1]], equal_nan=True), "a lag without any pair must give NaN"
### END HIDDEN TESTS

# %% [markdown]
# Here are your own tracks, through the tested `brownian.msd`. The dashed line goes through the first two lags. Error lifts it and blur lowers it. Where it meets lag zero you see only the difference of the two: a line through the origin is no proof that both are absent. Task 3 tells them apart.

# %% nbgrader={"grade_id": "msd-figure", "locked": true}
lag_s = DT_S * np.arange(1, 6)
mean_um2 = brownian.msd(tracks_um, 5).mean(axis=0)
slope = (mean_um2[1] - mean_um2[0]) / DT_S
fig, axes = plotting.figure(1, 1, 6.4, 3.4)
axes.plot(lag_s, mean_um2, **role("data", linestyle="", label="your 2000 tracks"))
axes.plot([0, 0.05], [mean_um2[0] - slope * DT_S, mean_um2[0] + slope * 4 * DT_S], **role("theory", label="two lags"))
axes.set(xlabel="lag (s)", ylabel="MSD (µm²)", xlim=(0, None), ylim=(0, None))
axes.legend()
plt.show()

# %% [markdown]
# ## 3. Separate motion from error
#
# A camera that blurs and mislocates gives displacements $u_j$ along one axis with
#
# $$ \langle u_j^2 \rangle = 2 D \Delta t\,(1 - 2R) + 2\sigma^2, \qquad \langle u_j u_{j+1} \rangle = 2 R D \Delta t - \sigma^2 . $$
#
# These are two equations for two unknowns. Lesson 01 solves them for $D$. Solve them for $\sigma^2$ as well: then the tracks tell how well your microscope localises, without a calibration.
# The estimate of one short track may be negative. Leave it so: then the mean over many tracks has no bias.
#
# **Produce** the function below, and `my_sigma_nm`: the localisation error of *your* microscope from all of `tracks_um`, with $R$ = `BLUR` and $\Delta t$ = `DT_S`.
# One cell tests $D$ (2 points), one $\sigma^2$ (2 points). The self-checks look at shapes and units. (4 points, 25 minutes)


# %% nbgrader={"grade_id": "cve", "solution": true}
def cve(positions_um, dt_s, blur):
    """Return D (n,) in µm²/s and sigma² (n,) in µm² of tracks (n, T, d), both without bias.

    Moments are averaged over time and over the d axes; ``blur`` is R. There is no drift, and no frame is lost.
    """
    ### BEGIN SOLUTION
    u = np.diff(positions_um, axis=1)
    square = (u**2).mean(axis=(1, 2))
    product = (u[:, 1:] * u[:, :-1]).mean(axis=(1, 2))
    return square / (2 * dt_s) + product / dt_s, blur * square + (2 * blur - 1) * product
    ### END SOLUTION


### BEGIN SOLUTION
my_sigma_nm = 1000 * np.sqrt(cve(tracks_um, DT_S, BLUR)[1].mean())
### END SOLUTION

# %% nbgrader={"grade_id": "cve-tests", "grade": true, "points": 2, "locked": true}
assert len(cve(tracks_um, DT_S, BLUR)) == 2, "the function must return two things: D and sigma²"
assert np.shape(cve(tracks_um, DT_S, BLUR)[0]) == (2000,), "2000 tracks must give 2000 values of D"
### BEGIN HIDDEN TESTS
_rng = students.rng(STUDENT_ID, "a01-hidden-cve")
_D, _dt_s = _rng.uniform([0.2, 0.005], [5, 0.05])
_walks = brownian.simulate_tracks(_D, 4000, 16, _dt_s, rng=_rng)
_sharp, _open = _walks[:, :, -1], brownian.frame_positions(_walks)
_ratio = np.mean(cve(_sharp, _dt_s, 0.0)[0]) / _D
_tolerance = 6 * bounds.cve_spread(_D, 16, _dt_s, 0, blur=0).sd / np.sqrt(4000)
_more, _faster = (cve(10 * _sharp, _dt_s, 0.0)[0], cve(_sharp, _dt_s / 2, 0.0)[0])
assert np.allclose(_more, 100 * cve(_sharp, _dt_s, 0.0)[0]), "ten times the positions must give 100 times D"
assert np.allclose(_faster, 2 * cve(_sharp, _dt_s, 0.0)[0]), "the same steps in half the frame time are twice the D"
_run = np.mean(cve(np.arange(8.0)[None, :, None] * np.ones(2), 1.0, 0.0)[0])
assert not np.isclose(_run, 0), "a mean displacement is subtracted: without drift it is zero, and <u²> means <u u>"
assert abs(_ratio - 2) > _tolerance, "snapshots without error give 2 D: divide by 2 dt, and average over the axes"
assert abs(_ratio - 1) < _tolerance, f"perfect snapshots must give D on average, yours give {_ratio:.3f} D"
_ratio = np.mean(cve(_open, _dt_s, 0.165)[0]) / _D
assert abs(_ratio - 0.67) > 0.05, (
    "an open shutter makes your D too small by 1 - 2R: the covariance of neighbours mends it"
)
assert abs(_ratio - 0.34) > 0.05, "an open shutter makes your D too small by 1 - 4R: the covariance has the wrong sign"
assert abs(_ratio - 0.835) > 0.05, "an open shutter makes your D too small by 1 - R: the covariance has half its weight"
_tolerance = 6 * bounds.cve_spread(_D, 16, _dt_s, 0, blur=0.165).sd / np.sqrt(4000)
assert abs(_ratio - 1) < _tolerance, f"with an open shutter and no error your estimates are {_ratio:.3f} D on average"
_short = brownian.simulate_tracks(_D, 20000, 4, _dt_s, n_sub=1, rng=_rng)[:, :, 0]
_short = _short + np.sqrt(_D * _dt_s) * _rng.standard_normal(_short.shape)
_ratio = np.mean(cve(_short, _dt_s, 0.0)[0]) / _D
_tolerance = 6 * bounds.cve_spread(_D, 4, _dt_s, np.sqrt(_D * _dt_s), blur=0).sd / np.sqrt(20000)
assert abs(_ratio - 4 / 3) > _tolerance, "on tracks of four frames D is 4/3 too large: T - 2 products make a covariance"
assert abs(_ratio - 1) < _tolerance, f"tracks of four frames with sigma² = D dt give {_ratio:.3f} D on average"
assert np.allclose(cve(_open[:5], _dt_s, 0.0)[0], cve(_open[:5], _dt_s, 0.165)[0]), "R must drop out of D"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "cve-tests-2", "grade": true, "points": 2, "locked": true}
assert np.shape(cve(tracks_um, DT_S, BLUR)[1]) == (2000,), "2000 tracks must give 2000 values of sigma²"
assert np.ndim(my_sigma_nm) == 0, "my_sigma_nm must be one number"
assert np.isfinite(my_sigma_nm), (
    "my_sigma_nm is not finite: take the mean of sigma² over the tracks first, then the root"
)
assert my_sigma_nm > 1, f"my_sigma_nm = {my_sigma_nm:.3g} looks like µm: give it in nm"
### BEGIN HIDDEN TESTS
_rng = students.rng(STUDENT_ID, "a01-hidden-sigma")
_D, _dt_s, _share = _rng.uniform([0.2, 0.005, 0.5], [5, 0.05, 1.5])
_unit, _sigma_um = _D * _dt_s, np.sqrt(_share * _D * _dt_s)
_walks = brownian.simulate_tracks(_D, 6000, 16, _dt_s, rng=_rng)
_sharp, _open = _walks[:, :, -1], brownian.frame_positions(_walks)
_error = _sigma_um * _rng.standard_normal(_sharp.shape)
_seen = np.mean(cve(_sharp + _error, _dt_s, 0.0)[1])
_tolerance = 0.05 * _unit * (1 + _share)
assert abs(_seen + _share * _unit) > _tolerance, "sigma² of snapshots comes out negative: their covariance is -sigma²"
assert np.allclose(cve(10 * _sharp, _dt_s, 0.0)[1], 100 * cve(_sharp, _dt_s, 0.0)[1]), (
    "ten times the positions must give 100 times sigma²: return the variance, not its root"
)
_none = cve(_open, _dt_s, 0.165)[1]
assert abs(np.mean(_none) + 0.33 * _unit) > _tolerance, (
    "blur without any error gives sigma² = -2 R D dt: the covariance of neighbours holds blur as well as error"
)
assert np.min(_none) < 0, "no track has a negative sigma²: they were clipped, and the mean over tracks is biased"
assert abs(np.mean(_none)) < _tolerance, f"without error sigma² must be 0 on average, yours is {np.mean(_none):.2g} µm²"
for _positions, _R in ((_sharp, 0.0), (_open, 0.165)):
    _seen = np.mean(cve(_positions + _error, _dt_s, _R)[1]) / (_share * _unit)
    assert abs(_seen - 1) < _tolerance / (_share * _unit), f"sigma² is {_seen:.3f} of the truth where R = {_R}"
_dice = students.rng(STUDENT_ID, "a01").random(9)
_D, _share = 0.3 + 1.7 * _dice[3], 0.3 + 0.7 * _dice[4]
_seen = my_sigma_nm / 1000 / np.sqrt(_share * _D * 0.01)
assert abs(_seen - 1) < 0.09, (
    f"my_sigma_nm is {_seen:.2f} of the truth: average sigma² over all tracks before the root, R = BLUR"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 4. Read the widget
#
# The widget below draws the MSD of 240 tracks, their mean, and the straight line of theory (dashed), which it continues to lag zero. Its last sentence gives the Cramér-Rao bound in percent.
# Error lifts the line, and blur lowers it. It opens with your localisation error, your shutter and your $D$, and with tracks of four frames, where the offset is easy to see.
#
# **Produce** two readings.
#
# - `offset_um2`: the height in µm² at which the dashed line meets lag zero, at the settings with which the widget opens. Hold a ruler to the screen; the tick marks give the scale. A reading within 20 % is good enough.
# - `frames_needed`: now move *Frames* and nothing else. The smallest number of frames at which the bound in the last sentence is at most the percentage that the cell prints.
#
# If a slider was moved by accident, run the cell of the widget again. A slider that has the focus moves by one step with the arrow keys. The self-checks look at types and ranges only. (3 points, 15 minutes)

# %% nbgrader={"grade_id": "widget", "locked": true}
own = students.rng(STUDENT_ID, "a01-widget")
sigma_nm, shutter, n_wanted = 5 * int(own.integers(18, 30)), int(own.integers(6, 11)), int(own.integers(24, 50))
open_blur = brownian.blur_coefficient(shutter, shutter / 10)
wish = own.uniform(0.25, 0.33) * (sigma_nm / 1000) ** 2 / (2 * open_blur * DT_S)
widget_D_um2_s = 0.05 * 10 ** (0.02 * round(np.log10(wish / 0.05) / 0.02))  # a place where the slider can stand
limit = bounds.cramer_rao(widget_D_um2_s, n_wanted, DT_S, sigma_nm / 1000, open_blur)
print(f"frames_needed: the bound must be at most {np.floor(100 * limit + 0.5):.0f} %")
DiffusionExplorer(settings={"D": widget_D_um2_s, "frames": 4, "sigmaNm": sigma_nm, "m": shutter, "seed": 1})

# %% nbgrader={"grade_id": "reading", "solution": true}
### BEGIN SOLUTION
offset_um2 = 4 * (sigma_nm / 1000) ** 2 - 8 * open_blur * widget_D_um2_s * DT_S
shown = [
    np.floor(100 * bounds.cramer_rao(widget_D_um2_s, T, DT_S, sigma_nm / 1000, open_blur) + 0.5) for T in range(4, 65)
]
frames_needed = 4 + int(np.argmax(np.array(shown) <= np.floor(100 * limit + 0.5)))
### END SOLUTION

# %% nbgrader={"grade_id": "reading-tests", "grade": true, "points": 2, "locked": true}
assert np.ndim(offset_um2) == 0, "offset_um2 must be one number"
assert 0 < offset_um2 < 1, f"offset_um2 = {offset_um2} lies outside of what the axis of the widget shows, in µm²"
### BEGIN HIDDEN TESTS
_own = students.rng(STUDENT_ID, "a01-widget")
_sigma_um, _m, _ = 0.005 * int(_own.integers(18, 30)), int(_own.integers(6, 11)), _own.integers(24, 50)
_R = brownian.blur_coefficient(_m, _m / 10)
_wish = _own.uniform(0.25, 0.33) * _sigma_um**2 / (2 * _R * 0.01)
_D = 0.05 * 10 ** (0.02 * round(np.log10(_wish / 0.05) / 0.02))
_seen = offset_um2 / brownian.msd_theory(_D, 0.0, 0.01, _sigma_um, _R)
_others = {
    "offset_um2 is 4 sigma²: that is the offset of snapshots, the blur of your shutter lowers it": 4 * _sigma_um**2,
    "offset_um2 is the MSD at lag 1: follow the dashed line to lag 0": brownian.msd_theory(
        _D, 0.01, 0.01, _sigma_um, _R
    ),
    "offset_um2 is half of what the widget shows: both axes count, 4 sigma², not 2 sigma²": 0.5
    * brownian.msd_theory(_D, 0.0, 0.01, _sigma_um, _R),
}
for _words, _value in _others.items():
    assert not np.isclose(offset_um2, _value, rtol=0.08), _words
assert abs(_seen - 1) < 0.2, f"the dashed line does not meet lag 0 at {offset_um2:.3g} µm² with your settings"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "reading-tests-2", "grade": true, "points": 1, "locked": true}
assert frames_needed == int(frames_needed), "frames_needed must be a whole number"
assert 4 <= frames_needed <= 64, "the slider goes from 4 to 64 frames"
### BEGIN HIDDEN TESTS
_own = students.rng(STUDENT_ID, "a01-widget")
_sigma_um, _m, _n = 0.005 * int(_own.integers(18, 30)), int(_own.integers(6, 11)), int(_own.integers(24, 50))
_R = brownian.blur_coefficient(_m, _m / 10)
_wish = _own.uniform(0.25, 0.33) * _sigma_um**2 / (2 * _R * 0.01)
_D = 0.05 * 10 ** (0.02 * round(np.log10(_wish / 0.05) / 0.02))
_percent = {T: int(np.floor(100 * bounds.cramer_rao(_D, T, 0.01, _sigma_um, _R) + 0.5)) for T in range(4, 66)}
_free = int(np.ceil(1 + (100 / _percent[_n]) ** 2))
assert frames_needed not in (_free - 1, _free), (
    "this is the bound without localisation error, 1 / (T - 1): the sentence of the widget counts your error as well"
)
assert _percent[frames_needed] <= _percent[_n], (
    f"at {frames_needed} frames the bound is {_percent[frames_needed]} %, more than you may have: more frames are needed"
)
assert frames_needed == 4 or _percent[frames_needed - 1] > _percent[_n], (
    f"at {frames_needed - 1} frames the bound is small enough already: this is not the smallest number of frames"
)
### END HIDDEN TESTS

# %% [markdown]
# ## 5. Calibrate a camera from its noise
#
# A localisation error is counted in photons, and a camera gives counts. The gain between them need not be known from a data sheet: the noise holds it. From lesson 02, a pixel of mean $m$ has over time the variance
#
# $$ v = \mathrm{EF}\, g\, (m - o) + g^2 r^2, $$
#
# with the gain $g$ in counts per photoelectron, the offset $o$ in counts, the read noise $r$ in electrons, and the excess factor EF (1 for a plain camera, 2 behind EM gain). Frames with a closed shutter show $o$ and $g^2 r^2$ alone.
# The light is not the same everywhere in the field, but at each pixel it is constant in time.
#
# **Produce** the function below, and `my_photons`: the mean number of photoelectrons per pixel and frame in your recording `light_counts`. Its dark frames are `dark_counts`, and your camera has EM gain.
# One cell tests the gain (2 points), one the rest (2 points). The self-checks look at types and signs. (4 points, 20 minutes)


# %% nbgrader={"grade_id": "transfer", "solution": true}
def photon_transfer(light, dark, excess):
    """Return gain (counts per photoelectron), offset (counts) and read noise (electrons), three numbers.

    ``light`` (even or uneven) and ``dark`` are counts, shape (T, H, W), T >= 4; ``excess`` is 1 or 2.
    """
    ### BEGIN SOLUTION
    offset = dark.mean()
    dark_variance = dark.var(axis=0, ddof=1).mean()
    slope = (light.var(axis=0, ddof=1).mean() - dark_variance) / (light.mean() - offset)
    gain = slope / excess
    return gain, offset, np.sqrt(dark_variance) / gain
    ### END SOLUTION


### BEGIN SOLUTION
my_gain, my_offset, my_read_noise = photon_transfer(light_counts, dark_counts, 2)
my_photons = (light_counts.mean() - my_offset) / my_gain
### END SOLUTION

# %% nbgrader={"grade_id": "transfer-tests", "grade": true, "points": 2, "locked": true}
found = photon_transfer(light_counts, dark_counts, 2)
assert len(found) == 3, "the function must return three numbers: gain, offset, read noise"
assert all(np.ndim(value) == 0 for value in found), "gain, offset and read noise are one number each"
assert found[0] > 0, f"the gain must be positive, yours is {found[0]:.3g}: light adds counts and noise"
### BEGIN HIDDEN TESTS
_rng = students.rng(STUDENT_ID, "a01-hidden-transfer")
_g, _o, _b = _rng.uniform([9, 200, 25], [14, 500, 45])
_none = np.zeros((30, 64, 64))
_flat = np.full((30, 64, 64), _b)
_even, _dark = camera.add_noise(_flat, 0, _g, _o, 0.5, _rng), camera.add_noise(_none, 0, _g, _o, 0.5, _rng)
_seen = photon_transfer(_even, _dark, 1)[0] / _g
assert not np.isclose(_seen * _g, 1 / _g, rtol=0.1), "the gain is upside down: counts per photoelectron are wanted"
assert not np.isclose(_seen, 1 / np.sqrt(_b) / _g, rtol=0.1), "the standard deviation is taken for the variance"
assert not np.isclose(_seen, _b / (_b + _o / _g), rtol=0.1), "the offset is not light: take it off the mean"
assert abs(_seen - 1) < 0.06, (
    f"even light on a plain camera with little read noise: the gain is {_seen:.3f} of the truth"
)
_slant = _flat * np.linspace(0.5, 1.5, 64)
_uneven = camera.add_noise(_slant, 0, _g, _o, 0.5, _rng)
_seen = photon_transfer(_uneven, _dark, 1)[0] / _g
assert _seen < 1.5, f"uneven light raises your gain to {_seen:.2f} of the truth: take the variance over time, per pixel"
assert abs(_seen - 1) < 0.06, f"with uneven light the gain is {_seen:.3f} of the truth"
_loud, _dark = camera.add_noise(_slant, 0, _g, _o, 5.0, _rng), camera.add_noise(_none, 0, _g, _o, 5.0, _rng)
_seen = photon_transfer(_loud, _dark, 1)[0] / _g
assert not np.isclose(_seen, 1 + 25 / _b, rtol=0.05), (
    "read noise raises your gain: the noise of the dark frames must come off the variance"
)
assert abs(_seen - 1) < 0.08, f"with a read noise of 5 electrons the gain is {_seen:.3f} of the truth"
_em = camera.add_noise(_slant, 0, _g, _o, 0.5, _rng, em=True)
_seen = photon_transfer(_em, camera.add_noise(_none, 0, _g, _o, 0.5, _rng, em=True), 2)[0] / _g
assert not np.isclose(_seen, 2, rtol=0.1), "behind EM gain your gain is twice the truth: divide by the excess factor"
assert abs(_seen - 1) < 0.06, f"behind EM gain the gain is {_seen:.3f} of the truth"
_few, _dark = (camera.add_noise(np.full((4, 200, 200), x), 0, _g, _o, 0.5, _rng) for x in (_b, 0))
_seen = photon_transfer(_few, _dark, 1)[0] / _g
assert not np.isclose(_seen, 0.75, rtol=0.05), "four frames give 3/4 of the gain: divide by T - 1, the mean took one"
assert abs(_seen - 1) < 0.08, f"from four frames the gain is {_seen:.3f} of the truth"
### END HIDDEN TESTS

# %% nbgrader={"grade_id": "transfer-tests-2", "grade": true, "points": 2, "locked": true}
found = photon_transfer(light_counts, dark_counts, 2)
assert found[2] > 0, "the read noise of your camera must be positive"
assert np.ndim(my_photons) == 0, "my_photons must be one number"
assert my_photons > 0, "my_photons must be positive"
### BEGIN HIDDEN TESTS
_rng = students.rng(STUDENT_ID, "a01-hidden-read")
_g, _o, _r = _rng.uniform([8, 800, 3], [14, 1500, 6])
_slant = np.full((30, 64, 64), 30.0) * np.linspace(0.5, 1.5, 64)
_uneven, _dark = (camera.add_noise(x, 0, _g, _o, _r, _rng) for x in (_slant, 0 * _slant))
_, _offset, _read = photon_transfer(_uneven, _dark, 1)
assert not np.isclose(_offset, _o - _g * _r**2, rtol=0.02), "this is the level of zero variance, not the offset"
assert abs(_offset - _o) < 0.01 * _o, f"dark frames of mean {_o:.0f} counts give your offset {_offset:.0f}"
assert not np.isclose(_read, _g * _r, rtol=0.05), "the read noise is in counts: divide by the gain to get electrons"
assert not np.isclose(_read, _r**2, rtol=0.1), "this is the variance of the read noise: take the root"
assert abs(_read / _r - 1) < 0.08, f"the read noise is {_read / _r:.3f} of the truth, in electrons"
_double = photon_transfer(2 * _uneven, 2 * _dark, 1)
assert np.isclose(_double[2], _read, rtol=1e-3), "a camera that counts twice as fine has the same electrons"
_level = 8 + 22 * students.rng(STUDENT_ID, "a01").random(9)[8]
assert not np.isclose(my_photons, _level / 2, rtol=0.1), "my_photons is half the truth: your camera has EM gain, EF = 2"
assert abs(my_photons / _level - 1) < 0.08, f"my_photons is {my_photons / _level:.3g} of the truth"
### END HIDDEN TESTS

# %% [markdown]
# ## 6. Plan an experiment
#
# A dye sends a limited number of photons before it bleaches. They can be spent on a few bright frames or on many dim ones. With $N_\gamma$ photons in a frame, pixels of side $p$, background $b$ and read noise $r$, the localisation error is about
#
# $$ \sigma^2 = \frac{w^2}{N_\gamma} + \frac{8 \pi w^4 (b + r^2)}{p^2 N_\gamma^2}, \qquad w^2 = \sigma_\mathrm{PSF}^2 + \tfrac{1}{12} p^2 + \tfrac13 D \Delta t . $$
#
# Here $w^2$ is the variance of the spot (lesson 02). The first term is the noise of the molecule's own light, the second that of the pixels below it. The next cell draws the Cramér-Rao bound of your molecule against the frame time. Photons arrive at a constant rate, $b$ grows with the frame time, $r$ does not, and the shutter never closes.

# %% nbgrader={"grade_id": "plan-figure", "locked": true}
own = students.rng(STUDENT_ID, "a01-plan")
plan_D_um2_s, budget, rate_per_ms, read = [0.1, 100, 10, 1] * own.integers([2, 20, 3, 2], [16, 61, 9, 5])
n_frames = np.unique(np.geomspace(4, budget / 8, 80).astype(int))
frame_s = budget / (rate_per_ms * 1000) / n_frames
w2 = 0.12**2 + 0.1**2 / 12 + plan_D_um2_s * frame_s / 3  # um^2
noise = 100 * frame_s + read**2  # photons per pixel: a background of 0.1 per ms, and the read noise
per_frame = budget / n_frames
sigma_plan_um = np.sqrt(w2 / per_frame + 8 * np.pi * w2**2 * noise / (0.1 * per_frame) ** 2)
fig, axes = plotting.figure(1, 1, 6.4, 3.6)
for known, name, words in [(True, "classical", "σ known"), (False, "baseline", "σ unknown")]:
    settings = zip(n_frames, frame_s, sigma_plan_um, strict=True)
    spread = np.array([bounds.cramer_rao(plan_D_um2_s, T, t, s, 1 / 6, sigma_known=known) for T, t, s in settings])
    axes.plot(1000 * frame_s, spread, **role(name, marker="", label=words))
    best = spread.argmin()
    axes.plot(1000 * frame_s[best], spread[best], "*", color=plotting.COLORS[name], markersize=13)
    print(
        f"{words}: best {100 * spread[best]:.0f} % with {n_frames[best]} frames of {1000 * frame_s[best]:.2g} ms, "
        f"σ = {1000 * sigma_plan_um[best]:.0f} nm, σ²/(DΔt) = {sigma_plan_um[best] ** 2 / plan_D_um2_s / frame_s[best]:.2f}"
    )
axes.set(xlabel="frame time (ms)", ylabel="bound on the relative sd of D (1)", xscale="log", ylim=(0, 0.8))
axes.set_title(
    f"D = {plan_D_um2_s:.1f} µm²/s, {budget:.0f} photons, {rate_per_ms:.0f} per ms, r = {read:.0f} electrons"
)
axes.legend()
plt.show()

# %% [markdown]
# **Write** a plan of 150 to 250 words. It answers four questions, with numbers from your figure.
#
# 1. Why does the bound rise at short frame times, and why at long ones?
# 2. Which frame time and how many frames do you choose? How many molecules do you then need to know the mean $D$ of a uniform sample to 5 %?
# 3. What do you measure beforehand, and what goes wrong with $D$ if you get it wrong?
# 4. Which effect does the figure leave out that could bias your result, and how would you notice it in the data?
#
# (4 points, 20 minutes, marked by hand)

# %% [markdown] nbgrader={"grade_id": "why", "grade": true, "points": 4, "solution": true}
# *Model answer.* (1) Long frames are precise but few, and $T - 1$ displacements cannot tell $D$ better than $1/\sqrt{T-1}$ in the plane. In short frames the motion per frame shrinks as $\Delta t$, and each frame holds fewer photons, so $\sigma^2/(D\Delta t)$ grows.
# The noise of the light alone would only flatten the curve, since short frames can be added up to long ones afterwards. But every frame is read out once and brings the same read noise: with few photons the second term grows as $1/N_\gamma^2$, and the bound rises.
# (2) I take the star of the curve for a known $\sigma$, or a somewhat longer frame time, because the minimum is flat and many cameras are slower. If the bound there is $s$, $n$ molecules give $s/\sqrt n$, so $n = (s/0.05)^2$: 9 molecules for 15 %, 16 for 20 %. An estimator that misses the bound needs more.
# (3) I calibrate the gain and offset of the camera by photon transfer, hence the photons, and measure $\sigma$ on molecules that are fixed to the glass, and the shutter, hence $R$. A $\sigma$ that is taken too large makes $D$ too small: $2\sigma^2$ too much is subtracted from the variance of the steps, and worse the shorter the frame. With $\sigma$ unknown the upper curve holds, and nothing is subtracted wrongly.
# (4) Fast molecules leave the field or the focus, and only slow ones stay for all frames. I would notice that $D$ of the tracks falls with the length that I ask for. Others: dyes bleach at random times, so track lengths scatter; background light raises $\sigma$ above the formula; the sample is a mixture, and the histogram of $D$ is wider than the bound; drift, which adds the same step to all tracks.
#
# **Marking scheme.** 1 point each. (1) Both sides explained: few photons per reading against the motion per frame, and few displacements; half a point for one side. (2) A choice near the minimum of the student's own figure, and $n = (s/0.05)^2$ with the student's $s$; half a point if $n$ goes with $s$ and not with its square.
# (3) One calibration ($\sigma$, photons, gain or shutter) with the right sign of the bias it leads to; half a point without the sign. (4) One real effect and an observable that shows it; half a point without the observable.

# %% [markdown]
# ## How marks are given
#
# Tasks 1 to 5 are graded by tests, 16 points. The cells with tests show self-checks; the graders add checks of physics on fresh random numbers: units, limits, scaling laws. A cell gives all of its points or none. Where one fails, the feedback says in words what is wrong.
# Task 6 is marked by hand, 4 points. The last cell asks whether Python and NumPy are still what they were. It gives no points.

# %% nbgrader={"grade_id": "integrity", "grade": true, "points": 0, "locked": true}
from helpers.course import integrity

integrity.check(globals())
