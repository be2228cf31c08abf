import pytest

from helpers.common import progress


@pytest.fixture(params=["seen", "recorded"])
def recorded(request, monkeypatch, tmp_path):
    """Whether the output is recorded: a reader sees a bar, a recorded run does not."""
    monkeypatch.delenv("HELPERS_RUN_DIR", raising=False)
    if request.param == "recorded":
        monkeypatch.setenv("HELPERS_RUN_DIR", str(tmp_path))
    return request.param == "recorded"


def test_every_item_comes_through_once_in_order(recorded, capsys):
    assert list(progress.track(iter(range(50)), "steps", total=50)) == list(range(50))
    out, err = capsys.readouterr()
    assert err == ""  # nbval compares what goes there
    assert progress.silent() == recorded
    assert (out == "") if recorded else ("steps" in out and "50/50" in out)


def test_a_bar_moved_by_hand(recorded, capsys):
    bar = progress.bar("molecules", total=10, unit="file", initial=4)
    bar.update(6)
    bar.close()
    out, err = capsys.readouterr()
    assert err == ""
    assert (out == "") if recorded else ("molecules" in out and "10/10" in out)


def test_items_are_taken_one_by_one(recorded):
    taken = []
    source = (taken.append(i) or i for i in range(9))
    items = progress.track(source, "lazy")
    assert taken == []
    assert next(items) == 0
    assert taken == [0]
    assert recorded in (True, False)
