import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from helpers.common import speed

REFERENCE = {"calibration_s": 0.2, "lessons": {"00": 10.0, "01": 30.0}}


def test_a_machine_half_as_fast_takes_twice_as_long():
    assert speed.predict(REFERENCE, 0.4) == pytest.approx({"00": 20, "01": 60})
    assert speed.predict(REFERENCE, 0.2) == pytest.approx(REFERENCE["lessons"])


def test_the_least_of_the_runs_counts_in_cpu_seconds(monkeypatch):
    clock = iter([0.0, 3.0, 10.0, 11.0, 20.0, 22.0])
    monkeypatch.setattr(speed, "_work", lambda: 0.0)
    monkeypatch.setattr(speed.time, "process_time", lambda: next(clock))
    assert speed.calibrate(repeats=3) == 1.0


def test_one_thread_does_the_work_whatever_the_machine_allows(monkeypatch):
    seen = []
    monkeypatch.setattr(speed, "_work", lambda: seen.extend(pool["num_threads"] for pool in threadpool_info()))
    with threadpool_limits(2):
        speed.calibrate(repeats=1)
    assert set(seen) == {1}


def test_the_work_is_the_same_every_time():
    assert speed._work() == speed._work()


def test_calibration_takes_a_moment_and_not_long():
    assert 0.01 < speed.calibrate(repeats=1) < 5
