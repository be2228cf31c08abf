"""``make`` and the script behind it: in a folder with an awkward name, with a stub as Python, without a network."""

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from helpers import __main__ as command_line
from helpers.common.places import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()
SHELL_TOOLS = ["sh", "make", "awk", "cp", "mkdir", "rm", "touch", "uname"]

PYTHON = """#!/bin/sh
# Answers like a Python: the first three lines say what is wrong with it, the rest makes environments that note calls.
case "$*" in
  *version_info*) exit {too_old} ;;
  *ensurepip*) exit {without_venv} ;;
  "-m venv --clear "*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  *) echo "$*" >> calls ;;
esac
"""


@pytest.fixture
def checkout():
    """A folder with spaces and letters beyond ASCII that holds what ``make`` needs, and a PATH of its own."""
    with tempfile.TemporaryDirectory() as base:
        os.chmod(base, 0o755)  # so that another user may look in
        folder = Path(base) / "weiche Materie µ"
        (folder / ".ci").mkdir(parents=True)
        for name in ("Makefile", ".ci/setup", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder / name)
        (Path(base) / "bin").mkdir()
        for tool in SHELL_TOOLS:
            if path := shutil.which(tool):
                (Path(base) / "bin" / tool).symlink_to(path)
        yield folder


def put_python(checkout, name="python3", too_old=0, without_venv=0):
    path = checkout.parent / "bin" / name
    path.write_text(PYTHON.format(too_old=too_old, without_venv=without_venv))
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def call(checkout, *command, **options):
    environment = {"PATH": str(checkout.parent / "bin"), "LC_ALL": "C.UTF-8", **options.pop("environment", {})}
    return subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=20, check=False, **options
    )


def setup(checkout, **options):
    return call(checkout, "sh", ".ci/setup", ".venv", "", **options)


def assert_one_line(done, *words):
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


def on_this_system(linux, mac="brew install python"):
    return mac if os.uname().sysname == "Darwin" else linux


def test_no_python(checkout):
    assert_one_line(setup(checkout), "3.11", on_this_system("sudo apt-get install python3 python3-venv"))


def test_python_too_old(checkout):
    put_python(checkout, too_old=1)
    assert_one_line(setup(checkout), "older", on_this_system("sudo apt-get install python3.11 python3.11-venv"))


def test_a_newer_python_is_found_beside_an_old_one(checkout):
    put_python(checkout, "python3", too_old=1)
    put_python(checkout, "python3.12")
    assert setup(checkout).returncode == 0


@pytest.mark.parametrize(("name", "package"), [("python3", "python3-venv"), ("python3.12", "python3.12-venv")])
def test_python_without_venv(checkout, name, package):
    put_python(checkout, name, without_venv=1)
    assert_one_line(setup(checkout), "venv", on_this_system(f"sudo apt-get install {package}"))


def test_a_folder_that_cannot_be_written_to(checkout):
    put_python(checkout)
    checkout.chmod(0o555)
    user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}  # root may write anywhere
    done = setup(checkout, **user)
    checkout.chmod(0o755)
    assert_one_line(done, "cannot be written to", "cp -R")


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
class TestMake:
    def test_help_lists_every_target(self, checkout):
        phony = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)[1].split())
        listed = {line.split()[0] for line in call(checkout, "make", "help").stdout.splitlines()}
        assert listed == phony
        assert call(checkout, "make").stdout == call(checkout, "make", "help").stdout

    def test_torch_first_then_the_rest_both_pinned_and_only_once(self, checkout):
        put_python(checkout)
        assert call(checkout, "make", "setup").returncode == 0
        torch, rest = (checkout / "calls").read_text().splitlines()
        assert torch.endswith("-c constraints.txt torch")
        assert rest.endswith("-c constraints.txt -e .[dev,course]")
        assert call(checkout, "make", "book").returncode == 0
        assert (checkout / "calls").read_text().splitlines()[2:] == ["-m helpers book"]

    @pytest.mark.parametrize("where", ["argument", "environment"])
    def test_torch_index(self, checkout, where):
        put_python(checkout)
        index = "https://download.pytorch.org/whl/cpu"
        if where == "argument":
            call(checkout, "make", "setup", f"TORCH_INDEX={index}")
        else:
            call(checkout, "make", "setup", environment={"TORCH_INDEX": index})
        torch, rest = (checkout / "calls").read_text().splitlines()
        assert f"--extra-index-url {index} " in torch
        assert "index" not in rest

    def test_a_set_up_that_breaks_off_is_begun_again(self, checkout):
        put_python(checkout)
        stub = checkout.parent / "bin" / "python3"
        stub.write_text(stub.read_text().replace("*) echo", "*torch) exit 1 ;;\n  *) echo"))
        assert call(checkout, "make", "setup").returncode != 0
        assert not (checkout / ".venv" / "installed").exists()
        put_python(checkout)
        assert call(checkout, "make", "setup").returncode == 0
        assert (checkout / ".venv" / "installed").exists()


# --- the command line behind make -----------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", [["book"], ["test"], ["notebooks"], ["run", "00"], ["train", "tracks"], ["bench"]])
def test_a_checkout_that_cannot_be_written_to(verb, monkeypatch, capsys):
    monkeypatch.setattr(os, "access", lambda path, mode: not (path == ROOT and mode == os.W_OK))
    assert command_line.main(verb) == 1
    assert "cp -R" in capsys.readouterr().err


def test_every_make_target_calls_a_verb_that_exists():
    verbs = next(action for action in command_line.parser()._actions if action.dest == "verb").choices
    called = set(re.findall(r"-m helpers (\w+)", MAKEFILE))
    assert {"book", "test", "lab", "doctor"} <= called <= set(verbs)


def test_lab_takes_the_next_port_where_one_is_in_use(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "helpers", "lab", f"--port={port}", "--", "--no-browser", "--allow-root"]
        environment = {**os.environ, **{f"JUPYTER_{name}_DIR": str(tmp_path) for name in ("CONFIG", "DATA", "RUNTIME")}}
        lab = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
        stop = threading.Timer(60, os.killpg, (lab.pid, signal.SIGKILL))
        stop.start()
        said = ""
        for line in lab.stdout:
            said += line
            if "/lab?token=" in line:
                break
        stop.cancel()
        os.killpg(lab.pid, signal.SIGKILL)
        lab.wait()
    assert f"port {port} is already in use" in said
    assert "/lab?token=" in said


def test_no_absolute_path():
    for name in ("Makefile", ".ci/setup", ".ci/run"):
        text = (ROOT / name).read_text().replace("#!/usr/bin/env", "")
        assert not re.search(r"(?<![\w.])/(home|root|usr|opt|tmp|var|etc|work|Users)\b", text), name
