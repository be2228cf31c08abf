"""Code in the cage has little time, memory and room, and no way out where the platform has walls."""

import sys
import textwrap
import time

import pytest

from helpers.common.places import ROOT
from helpers.course import cage

WALLED = cage.isolation().find("no network") >= 0
walled = pytest.mark.skipif(not WALLED, reason=f"no walls here: {cage.isolation()}")


@pytest.fixture
def python(tmp_path):
    """Return a function that runs some Python in the cage."""
    scratch = tmp_path / "scratch of mine"
    scratch.mkdir()

    def run(code, seconds=30, memory_mib=512, **more):
        return cage.run([sys.executable, "-c", textwrap.dedent(code)], scratch, seconds, memory_mib, **more)

    return run


def test_what_ends_well_is_ok_and_heard(python):
    assert python("print('hello')") == ("ok", "hello")
    assert python("raise SystemExit(3)").ended == "failed"


def test_time_is_limited_for_the_whole_family(python, tmp_path):
    code = """
        import subprocess, sys, time
        late = "import time; time.sleep(4); open('late', 'w')"
        subprocess.Popen([sys.executable, "-c", late], start_new_session=True)
        while True: pass
    """
    start = time.monotonic()
    assert python(code, seconds=2).ended == "too long"
    assert time.monotonic() - start < 15
    time.sleep(4)
    assert not (tmp_path / "scratch of mine" / "late").exists()


def test_memory_is_limited(python):
    outcome = python("x = bytearray(2**30)")
    assert outcome.ended == "failed"
    assert "MemoryError" in outcome.words


def test_the_size_of_a_file_is_limited(python, tmp_path):
    outcome = python("open('big', 'wb').write(bytes(100_000_000))")
    assert outcome.ended == "failed"
    assert (tmp_path / "scratch of mine" / "big").stat().st_size <= cage.FILE_MIB << 20


def test_home_and_environment_are_its_own(python, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "abc")
    words = python("import os, helpers.course.students; print(os.environ['HOME'], os.getcwd(), *os.environ)").words
    assert words.split(" scratch of mine")[0].startswith(str(tmp_path))
    assert "SECRET_TOKEN" not in words
    assert words.count("scratch of mine") == 2


def test_what_numba_compiled_before_is_there(python):
    code = """
        from helpers.colloids import confocal
        confocal.image([[9.0, 9.0, 9.0]], 6.0, (1.5, 1.0, 1.0), (18, 18, 18), None, background=0.1)
        print(sum(confocal.add_spheres.stats.cache_hits.values()))
    """
    exec(textwrap.dedent(code), {})
    assert python(code, memory_mib=4096) == ("ok", "1")


def test_the_answer_goes_where_it_is_wanted(python, tmp_path):
    (tmp_path / "given").write_text("seven")
    with (tmp_path / "given").open() as given, (tmp_path / "answer").open("w") as answer:
        outcome = python("print(input().upper())", given=given, answer=answer)
    assert (outcome, (tmp_path / "answer").read_text()) == (("ok", ""), "SEVEN\n")


@walled
def test_there_is_no_network(python):
    outcome = python("import socket; socket.create_connection(('127.0.0.1', 22), timeout=3)")
    assert outcome.ended == "failed"
    assert "unreachable" in outcome.words


@walled
def test_chosen_folders_are_empty_and_nothing_else_can_be_written(python, tmp_path):
    secret, other = tmp_path / "all submissions", tmp_path / "other"
    for folder in (secret, other):
        folder.mkdir()
        (folder / "file").write_text("answer")
    code = f"""
        import os, pathlib
        secret, other = pathlib.Path({str(secret)!r}), pathlib.Path({str(other)!r})
        print(list(secret.iterdir()), (other / "file").read_text())
        for act in [
            lambda: (other / "file").unlink(),
            lambda: (other / "new").touch(),
            lambda: (secret / "new").touch(),
            lambda: (pathlib.Path({str(ROOT)!r}) / "pyproject.toml").open("a"),
            lambda: secret.rename("here"),
        ]:
            try: act()
            except OSError: print("refused")
        for command in (f"umount '{{secret}}'", "umount -a", "mount -o remount,bind,rw /", "umount -l .."):
            os.system(command + " >/dev/null 2>&1")
        print(list(secret.iterdir()), os.access(other, os.W_OK), os.access(".", os.W_OK))
    """
    outcome = python(code, hide=(secret, tmp_path / "missing"))
    assert outcome.words.splitlines() == ["[] answer", *["refused"] * 5, "[] False True"]
    assert (other / "file").read_text() == (secret / "file").read_text() == "answer"


def test_without_walls_the_limits_remain(python, monkeypatch):
    monkeypatch.setattr(cage, "_walls", lambda: "")
    assert "network and files are open" in cage.isolation()
    assert python("print(1)") == ("ok", "1")
    assert python("while True: pass", seconds=1).ended == "too long"
    assert python("x = bytearray(2**30)").ended == "failed"
