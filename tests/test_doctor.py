import re

import pytest

from helpers import doctor
from helpers.book.lessons import lessons
from helpers.common import data, places, results, speed


@pytest.fixture(autouse=True)
def quiet(monkeypatch, tmp_path):
    """No calibration, and no data: neither mirror nor cache."""
    monkeypatch.setattr(speed, "calibrate", lambda: 0.5)
    monkeypatch.delenv("HELPERS_DATA_MIRROR", raising=False)
    monkeypatch.setenv("HELPERS_DATA_CACHE", str(tmp_path))


def test_it_reports_versions_threads_data_disk_and_times(monkeypatch):
    first = lessons()[0].name
    monkeypatch.setattr(results, "read", lambda _: {"values": {"calibration_s": 0.25, "lessons": {first: 10.0}}})
    report = doctor.report()
    for word in ("Python", "torch", "threads", "accelerator", "disk", "browser", "environment", "speed", "quick time"):
        assert re.search(rf"^{word}", report, re.MULTILINE), word
    for package in doctor._PACKAGES:
        assert re.search(rf"^{package} +\d", report, re.MULTILINE), package
    assert f"quick time    {first}: about 20 CPU s" in report  # this machine is half as fast
    for other in lessons()[1:]:
        assert f"quick time    {other.name}" not in report  # nothing is known of it


def test_it_says_how_to_get_data_that_are_not_here():
    report = doctor.report()
    for name in data.datasets():
        assert f"data          {name}: `python -m helpers data fetch {name}`" in report


def test_it_sees_data_that_are_here(monkeypatch):
    monkeypatch.setattr(data, "available", lambda _: True)
    assert all(f"data          {name}: here" in doctor.report() for name in data.datasets())


def test_a_full_disk_is_pointed_out(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: doctor.shutil._ntuple_diskusage(9e9, 8e9, 1e9))
    assert "1 GB free here (at least 3 GB are needed)" in doctor.report()
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: doctor.shutil._ntuple_diskusage(90e9, 8e9, 82e9))
    assert "82 GB free here\n" in doctor.report()


def test_without_a_browser_it_says_what_is_lost(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    monkeypatch.setattr(doctor.os.path, "exists", lambda _: False)
    assert doctor.browser() is None
    assert "browser       none: tests of the built pages are skipped" in doctor.report()
    monkeypatch.setattr(doctor.shutil, "which", lambda name: f"/bin/{name}" if name == "google-chrome" else None)
    assert doctor.browser() == "/bin/google-chrome"


@pytest.mark.parametrize("content", [None, "{ damaged"])
def test_without_recorded_times_the_rest_is_still_reported(monkeypatch, tmp_path, content):
    monkeypatch.setattr(places, "RESULTS", tmp_path)
    if content:
        (tmp_path / "times.json").write_text(content)
    report = doctor.report()
    assert "Python" in report
    assert "data          " in report
    assert "speed         calibration 0.500 CPU s" in report
    assert "python -m helpers bench times" in report
