import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers.common import claims, places, results
from helpers.common.claims import ClaimFailed, ClaimWarning, claim

NUMBER = st.floats(-1e6, 1e6)
BOUNDS = ["expected", "at_most", "at_least"]


@pytest.fixture(autouse=True)
def empty(monkeypatch):
    """A session without claims, in which they are asserted."""
    monkeypatch.setattr(claims, "_recorded", {})
    monkeypatch.delenv("HELPERS_CLAIMS", raising=False)
    monkeypatch.delenv("HELPERS_RUN_DIR", raising=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(measured=NUMBER, bound=NUMBER, tolerance=st.floats(0, 1e6), kind=st.sampled_from(BOUNDS))
def test_a_claim_holds_exactly_where_its_words_say(measured, bound, tolerance, kind):
    holds = {
        "expected": bound - tolerance <= measured <= bound + tolerance,
        "at_most": measured <= bound + tolerance,
        "at_least": measured >= bound - tolerance,
    }[kind]
    if kind == "expected" and math.isclose(abs(measured - bound), tolerance, rel_tol=1e-9, abs_tol=1e-9):
        return  # rounding decides there
    claims._recorded.clear()
    try:
        claim("a", measured=measured, tolerance=tolerance, **{kind: bound})
        passed = True
    except ClaimFailed:
        passed = False
    assert passed == holds
    assert claims.recorded()[0]["verdict"] == ("pass" if holds else "fail")


@pytest.mark.parametrize(
    ("bound", "inside", "outside"),
    [
        ({"expected": 10.0, "tolerance": 1}, [9, 10, 11], [8.99, 11.01]),
        ({"expected": 10.0}, [10], [10.000001, 9.999999]),
        ({"expected": -10.0, "tolerance": 1}, [-11, -9], [-8.9, 10]),  # a relative tolerance would be negative here
        ({"expected": 100.0, "tolerance": 0.1}, [100.1], [109, 100.2]),  # absolute, not 10 %
        ({"at_most": 10.0}, [-99, 10], [10.1]),
        ({"at_most": 10.0, "tolerance": 1}, [11], [11.1]),
        ({"at_least": 10.0}, [10, 99], [9.9]),
        ({"at_least": 10.0, "tolerance": 1}, [9], [8.9]),
        ({"at_least": 0}, [0], [-1]),  # a bound of zero is a bound
    ],
)
def test_directions_and_tolerance(bound, inside, outside):
    for i, value in enumerate(inside):
        claim(f"inside-{i}", measured=value, **bound)
    for i, value in enumerate(outside):
        with pytest.raises(ClaimFailed, match=rf"claim outside-{i} FAILS"):
            claim(f"outside-{i}", measured=value, **bound)


@pytest.mark.parametrize("kind", BOUNDS)
@pytest.mark.parametrize("measured", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_what_is_not_finite_fails_every_claim(tmp_path, monkeypatch, kind, measured):
    monkeypatch.setenv("HELPERS_RUN_DIR", str(tmp_path))
    with pytest.raises(ClaimFailed):
        claim("broken", measured=measured, tolerance=1e9, **{kind: 1.0})
    (record,) = json.loads((tmp_path / "claims.json").read_text())
    assert (record["measured"], record["verdict"]) == (None, "fail")


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ({}, "exactly one of"),
        ({"expected": 1, "at_most": 2}, "exactly one of"),
        ({"at_least": 0, "at_most": 2}, "exactly one of"),
        ({"expected": 1, "tolerance": -1}, "the tolerance >= 0"),
        ({"expected": 1, "tolerance": math.nan}, "must be finite"),
        ({"expected": 1, "tolerance": math.inf}, "must be finite"),
        ({"expected": math.nan}, "must be finite"),
        ({"at_most": math.inf}, "must be finite"),
    ],
)
def test_a_claim_that_says_nothing_is_refused_and_not_recorded(bounds, message):
    with pytest.raises(ValueError, match=message):
        claim("slope", measured=1, **bounds)
    assert claims.recorded() == []


@pytest.mark.parametrize("name", ["", "MSD", "two words", "-a", "a-", "a--b", "a_b", "a\n"])
def test_names_are_words_joined_by_hyphens(name):
    with pytest.raises(ValueError, match=r"^name must be lower-case words"):
        claim(name, measured=1, expected=1)


@pytest.mark.parametrize("mode", ["assert", "explore", None])
def test_a_name_used_twice_is_an_error_also_after_a_failure(monkeypatch, mode):
    if mode:
        monkeypatch.setenv("HELPERS_CLAIMS", mode)
    claim("msd-slope", measured=1, expected=1)
    with pytest.raises(ValueError, match=r"'msd-slope' was made already"):
        claim("msd-slope", measured=2, expected=2)
    assert [record["measured"] for record in claims.recorded()] == [1]


def test_in_the_lab_a_reader_is_warned_and_may_run_a_cell_again(monkeypatch):
    monkeypatch.setenv("HELPERS_CLAIMS", "warn")
    with pytest.warns(ClaimWarning, match=r"FAILS"):
        claim("msd-slope", measured=2, expected=1)
    claim("msd-slope", measured=1, expected=1)
    assert [record["verdict"] for record in claims.recorded()] == ["pass"]


def test_explored_claims_are_recorded_and_never_asserted(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HELPERS_CLAIMS", "explore")
    monkeypatch.setenv("HELPERS_RUN_DIR", str(tmp_path))
    claim("right", measured=1, expected=1)
    claim("wrong", measured=5, at_most=1)
    claim("nothing", measured=math.nan, at_most=1)
    assert [record["verdict"] for record in json.loads((tmp_path / "claims.json").read_text())] == ["explored"] * 3
    assert "holds" not in capsys.readouterr().out


@pytest.mark.parametrize("mode", ["Warn", "off", "0", ""])
def test_a_misspelt_mode_still_asserts(monkeypatch, mode):
    monkeypatch.setenv("HELPERS_CLAIMS", mode)
    with pytest.raises(ClaimFailed):
        claim("slope", measured=2, expected=1)


def test_a_record_holds_all_that_the_scoreboard_shows(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HELPERS_RUN_DIR", str(tmp_path / "new"))
    claim(
        "rmse",
        measured=np.float32(1.5),
        at_most=np.float64(2),
        tolerance=0.25,
        paper=np.float32(1.75),
        interval=np.array([1.25, 1.75], dtype=np.float32),
        unit="um2/s",
        source="Park 2023, Fig. 4",
    )
    (record,) = json.loads((tmp_path / "new" / "claims.json").read_text())
    assert record == {
        "name": "rmse",
        "measured": 1.5,
        "expected": None,
        "at_most": 2,
        "at_least": None,
        "tolerance": 0.25,
        "paper": 1.75,
        "interval": [1.25, 1.75],
        "unit": "um2/s",
        "source": "Park 2023, Fig. 4",
        "verdict": "pass",
    }
    out = capsys.readouterr().out
    assert out == "claim rmse holds: 1.5 [1.25, 1.75] um2/s, at most 2 within 0.25; the original: 1.75\n"


def test_the_failing_claim_is_recorded_too(monkeypatch, tmp_path):
    monkeypatch.setenv("HELPERS_RUN_DIR", str(tmp_path))
    claim("good", measured=1, expected=1)
    with pytest.raises(ClaimFailed):
        claim("bad", measured=2, expected=1)
    assert [(r["name"], r["verdict"]) for r in json.loads((tmp_path / "claims.json").read_text())] == [
        ("good", "pass"),
        ("bad", "fail"),
    ]


def test_without_a_recorded_run_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    claim("good", measured=1, expected=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("interval", [(math.nan, 1), (1, math.inf), (2, 1), (1,), (1, 2, 3)])
def test_an_interval_is_two_finite_numbers_in_order(interval):
    with pytest.raises(ValueError, match=r"interval"):
        claim("slope", measured=1, expected=1, interval=interval)
    assert claims.recorded() == []


def test_a_source_that_begins_with_record_says_where_the_number_came_from():
    sources = {"record, worst of 3": True, "recorded: bench": True, "the number in the record": False, "": False}
    assert {words: claims.from_record({"source": words}) for words in sources} == sources
    assert not claims.from_record({})


def test_a_skipped_claim_tells_what_was_recorded_where_the_data_were(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(places, "RESULTS", tmp_path)
    claims.skip("without-record", why="no gels here")
    known = {"measured": 2.43, "expected": 2.35, "tolerance": 0.2, "unit": "nm", "source": "21 / 53 °C"}
    results.record("real-data", {"shrinks-real": known}, command="bench", seeds=[0], sources=["helpers/mutants.py"])
    claims.skip("shrinks-real", why="no gels here")
    claims.skip("not-in-it", why="no gels here")
    assert capsys.readouterr().out.splitlines() == [
        "claim without-record skipped: no gels here",
        "claim shrinks-real skipped: no gels here; recorded with them: 2.43 nm, expected 2.35 within 0.2",
        "claim not-in-it skipped: no gels here",
    ]
    assert [claim.get("recorded") for claim in claims.recorded()] == [None, known, None]
    assert {claim["verdict"] for claim in claims.recorded()} == {"skipped"}
    assert {claim["measured"] for claim in claims.recorded()} == {None}
    with pytest.raises(ValueError, match="why"):
        claims.skip("no-reason", why="")
