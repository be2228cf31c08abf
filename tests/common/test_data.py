import csv
import hashlib
import os
import re
import shutil
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pooch
import pytest

from helpers.common import data, places

CONTENT = {f"set/a b{i}#%é.bin": bytes([i]) * 1000 for i in range(4)} | {"other/x.bin": b"x" * 10}


class Source:
    """A server on this machine, and what it was asked for; ``spoil`` changes what it answers for a path."""

    def __init__(self):
        source = self
        self.asked, self.spoil = [], {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                path = unquote(self.path).removeprefix("/owner/name/c0ffee/")
                source.asked.append(path)
                status, content, n_promised = source.spoil.get(path, lambda c: (200, c, len(c)))(CONTENT[path])
                self.send_response(status)
                self.send_header("Content-Length", str(n_promised))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A registry of two small data sets, their server, an empty cache and no mirror."""
    registry = tmp_path / "registry.csv"
    with registry.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(list(data.File.__annotations__))
        for path, content in CONTENT.items():
            sha256 = hashlib.sha256(content).hexdigest()
            table.writerow(
                [path.split("/")[0], "owner/name", "c0ffee", path, path, sha256, len(content), "none stated"]
            )
    source = Source()
    monkeypatch.setattr(data, "REGISTRY", registry)
    monkeypatch.setattr(data, "_HOST", source.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HELPERS_RUN_DIR", str(tmp_path))
    monkeypatch.setenv("HELPERS_DATA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HELPERS_DATA_MIRROR", raising=False)
    yield source
    source.close()


@pytest.fixture
def mirror(tmp_path, monkeypatch, source):  # noqa: ARG001
    folder = tmp_path / "mirror"
    for path, content in CONTENT.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    monkeypatch.setenv("HELPERS_DATA_MIRROR", str(folder))
    return folder


PATHS = [path for path in CONTENT if path.startswith("set/")]


def assert_whole(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.split("/")[1] for path in PATHS)
    assert all((folder.parent / path).read_bytes() == CONTENT[path] for path in PATHS)


def test_a_download_ends_in_the_cache_and_is_not_repeated(source, tmp_path):
    assert data.datasets() == ["other", "set"]
    assert not data.available("set")
    folder = data.fetch("set")
    assert folder == tmp_path / "cache" / "set"
    assert_whole(folder)
    assert source.asked == PATHS
    assert data.available("set")
    assert data.verify("set") == data.fetch("set") == folder
    assert source.asked == PATHS
    assert not data.available("other")


def test_what_the_cache_lacks_or_holds_damaged_is_downloaded(source, tmp_path):
    folder = tmp_path / "cache" / "set"
    folder.mkdir(parents=True)
    (tmp_path / "cache" / PATHS[0]).write_bytes(CONTENT[PATHS[0]])
    (tmp_path / "cache" / PATHS[1]).write_bytes(CONTENT[PATHS[1]][:-1])
    (tmp_path / "cache" / PATHS[2]).write_bytes(b"!" * len(CONTENT[PATHS[2]]))
    assert not data.available("set")
    with pytest.raises(data.DataUnavailable, match=r"1 of 4 files are not on this machine: .*data fetch set"):
        data.verify("set")
    assert_whole(data.fetch("set"))
    assert source.asked == PATHS[1:]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda content: (200, content[:-1], len(content)), data.DataUnavailable),  # the connection breaks off
        (lambda content: (200, content[:-1], len(content) - 1), data.DamagedData),  # the source has a shorter file
        (lambda content: (200, b"!" + content[1:], len(content)), data.DamagedData),
        (lambda content: (404, b"", 0), data.DataUnavailable),  # noqa: ARG005
    ],
)
def test_a_bad_download_is_named_and_not_kept_and_the_next_try_continues(source, answer, error, tmp_path):
    source.spoil[PATHS[2]] = answer
    with pytest.raises(error) as caught:
        data.fetch("set")
    assert unquote(PATHS[2]) in unquote(str(caught.value))
    assert "\n" not in str(caught.value)
    assert [path for path in PATHS if (tmp_path / "cache" / path).exists()] == PATHS[:2]
    assert not data.available("set")
    source.spoil.clear()
    source.asked.clear()
    assert_whole(data.fetch("set"))
    assert source.asked == PATHS[2:]


@pytest.mark.usefixtures("source")
def test_no_network_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(data, "_HOST", "http://127.0.0.1:9")
    with pytest.raises(data.DataUnavailable, match=r"ConnectionError.*`python -m helpers data fetch set`") as error:
        data.fetch("set")
    assert "\n" not in str(error.value)
    assert "HELPERS_DATA_MIRROR" in str(error.value)
    assert not data.available("set")


@pytest.mark.usefixtures("source")
def test_ctrl_c_keeps_the_finished_files(monkeypatch, tmp_path):
    retrieve = pooch.retrieve

    def interrupted(url, *rest, **options):
        if url.endswith("b3%23%25%C3%A9.bin"):
            raise KeyboardInterrupt
        return retrieve(url, *rest, **options)

    monkeypatch.setattr(pooch, "retrieve", interrupted)
    with pytest.raises(KeyboardInterrupt):
        data.fetch("set")
    monkeypatch.undo()
    assert [path for path in PATHS if (tmp_path / "cache" / path).exists()] == PATHS[:3]


def test_the_mirror_comes_first_and_needs_no_network(source, mirror):
    assert data.available("set")
    assert data.fetch("set") == data.verify("set") == mirror / "set"
    assert source.asked == []


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: b"!" + content[1:]])
def test_a_damaged_file_in_the_mirror_is_named_and_never_used(source, mirror, damage):
    (mirror / PATHS[1]).write_bytes(damage(CONTENT[PATHS[1]]))
    for verb in (data.fetch, data.verify):
        with pytest.raises(data.DamagedData, match=re.escape(PATHS[1])) as error:
            verb("set")
        assert PATHS[0] not in str(error.value)
    assert source.asked == []


def test_a_mirror_that_lacks_a_file_is_passed_over(mirror, tmp_path):
    (mirror / PATHS[1]).unlink()
    assert not data.available("set")
    assert data.fetch("set") == tmp_path / "cache" / "set"
    assert data.fetch("other") == mirror / "other"


@pytest.mark.usefixtures("source")
def test_a_mirror_that_is_no_folder_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setenv("HELPERS_DATA_MIRROR", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="HELPERS_DATA_MIRROR must name a folder"):
        data.available("set")


def test_relative_folders_count_from_the_checkout(monkeypatch, mirror, tmp_path):
    monkeypatch.setattr(places, "ROOT", tmp_path / "checkout")
    (tmp_path / "checkout").mkdir()
    monkeypatch.setenv("HELPERS_DATA_MIRROR", "../mirror")
    monkeypatch.chdir("/")
    assert data.fetch("set").resolve() == mirror / "set"


@pytest.mark.usefixtures("source")
def test_an_unknown_data_set_lists_the_known_ones():
    for verb in (data.fetch, data.available, data.verify, data.how_to_get, data.files):
        with pytest.raises(ValueError, match="dataset must be one of 'other', 'set', got 'sett'"):
            verb("sett")


@pytest.mark.usefixtures("source")
def test_how_to_get_is_one_line():
    assert data.how_to_get("set").startswith("`python -m helpers data fetch set` downloads it (4 files, 0.0 MB)")
    assert "\n" not in data.how_to_get("set")


@pytest.mark.usefixtures("mirror")
def test_many_small_files_are_looked_at_quickly(monkeypatch):
    files = [data.files("set")[0]] * 150
    monkeypatch.setattr(data, "_registry", lambda: files)
    start = time.process_time()
    data.verify("set")
    assert time.process_time() - start < 1.0


# What is committed


def test_the_registry_is_sound():
    assert data.datasets() == ["confocal", "microgels_paint", "micrographs", "molecule_movies"]
    registry = [file for dataset in data.datasets() for file in data.files(dataset)]
    assert len({file.local_path for file in registry}) == len(registry)
    for file in registry:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256)
        assert re.fullmatch("[0-9a-f]{40}", file.commit)
        assert file.bytes > 0
        assert file.licence
        assert file.local_path.startswith(f"{file.dataset}/")
        assert ".." not in file.local_path
        assert file.url.startswith(f"https://raw.githubusercontent.com/{file.repository}/{file.commit}/")


@pytest.mark.parametrize("dataset", data.datasets())
def test_every_data_set_has_a_card_that_agrees_with_the_registry(dataset):
    card = (places.DATA / "cards" / f"{dataset}.md").read_text(encoding="utf-8")
    files = data.files(dataset)
    n_bytes = sum(file.bytes for file in files)
    assert f"{len(files)} files, {n_bytes:,} bytes" in card
    for fact in {file.repository for file in files} | {file.commit for file in files}:
        assert fact in card
    if any(file.licence == "none stated" for file in files):
        assert "none stated" in card
    assert f"python -m helpers data fetch {dataset}" in card


@pytest.mark.real_data
@pytest.mark.parametrize("dataset", data.datasets())
def test_the_real_data_here_are_those_of_the_registry(dataset):
    if not os.environ.get("HELPERS_DATA_MIRROR") or not data.available(dataset):
        pytest.skip(f"HELPERS_DATA_MIRROR does not hold it: {data.how_to_get(dataset)}")
    start = time.process_time()
    assert data.fetch(dataset).is_dir()
    assert time.process_time() - start < 2.0


@pytest.mark.usefixtures("source")
def test_a_fetched_folder_can_be_copied_as_a_mirror(monkeypatch, tmp_path):
    shutil.copytree(data.fetch("set").parent, tmp_path / "copy")
    monkeypatch.setenv("HELPERS_DATA_MIRROR", str(tmp_path / "copy"))
    assert data.verify("set") == tmp_path / "copy" / "set"
