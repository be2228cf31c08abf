import json
import math
import os
import signal
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.common import atomic

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(content=VALUES)
def test_json_comes_back(tmp_path_factory, content):
    path = atomic.write_json(tmp_path_factory.mktemp("json") / "deep" / "record.json", content)
    assert json.loads(path.read_text(encoding="utf-8")) == content
    assert path.read_text(encoding="utf-8").endswith("\n")


def test_text_is_utf8_and_bytes_stay_bytes(tmp_path):
    assert atomic.write_text(tmp_path / "ä µm.txt", "σ = 50 nm\r\n").read_bytes() == "σ = 50 nm\r\n".encode()
    assert atomic.write_bytes(str(tmp_path / "b"), b"\0\xff").read_bytes() == b"\0\xff"


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_json_does_not_know_leaves_the_old_file(tmp_path, number):
    path = atomic.write_json(tmp_path / "record.json", {"a": 1})
    with pytest.raises(ValueError, match="JSON"):
        atomic.write_json(path, {"a": number})
    assert json.loads(path.read_text()) == {"a": 1}
    assert os.listdir(tmp_path) == ["record.json"]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_writer_that_fails_half_way_leaves_the_old_file_and_no_other(tmp_path, failure):
    path = atomic.write_text(tmp_path / "weights", "old")

    def fill(temporary):
        temporary.write_text("half of the n")
        raise failure

    with pytest.raises(failure):
        atomic.write(path, fill)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["weights"]


def test_a_reader_never_meets_a_half_written_file(tmp_path):
    path = tmp_path / "weights"

    def fill(temporary):
        assert temporary.parent == path.parent  # a rename across file systems would not be one step
        temporary.write_text("first half")
        assert not path.exists()
        temporary.write_text("whole")

    atomic.write(path, fill)
    assert path.read_text() == "whole"


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX files")
def test_others_may_read_the_file(tmp_path):
    assert stat.S_IMODE(atomic.write_text(tmp_path / "a", "a").stat().st_mode) == 0o644


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_a_writer_killed_half_way_leaves_the_old_file(tmp_path):
    path = atomic.write_text(tmp_path / "weights", "old")
    program = (
        "import sys, time\nfrom helpers.common import atomic\n"
        "def fill(t):\n    t.write_text('half'); print('half', flush=True); time.sleep(60)\n"
        "atomic.write(sys.argv[1], fill)"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout.readline() == "half\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate(timeout=10)
    assert path.read_text() == "old"
    left = [name for name in os.listdir(tmp_path) if name != "weights"]
    assert all(name.startswith(".weights.") and name.endswith(".part") for name in left)
