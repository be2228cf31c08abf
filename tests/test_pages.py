import hashlib
import json

import pytest
import yaml

from helpers.book import executed as executed_lessons
from helpers.book import pages, scoreboard, site, speeds
from helpers.common.places import BOOK

CLAIM = {
    "name": "msd-slope",
    "measured": 4.0134,
    "expected": 4.0,
    "tolerance": 0.05,
    "interval": [3.98, 4.05],
    "unit": "um^2/s",
    "source": "Einstein 1905 | eq. 3",
    "verdict": "pass",
}


def notebook(**lesson):
    injected = {"cell_type": "code", "metadata": {"tags": ["injected-parameters"]}, "source": "PROFILE = 'quick'"}
    kept = {"cell_type": "code", "metadata": {"tags": [], "papermill": {"duration": 1}}, "source": "1 + 1"}
    metadata = {"lesson": lesson, "papermill": {"output_path": "somewhere"}}
    return {"cells": [injected, kept], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def code_cell(source, text):
    outputs = [{"output_type": "stream", "name": "stdout", "text": text}] if text else []
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": outputs}


def execute(folder, name="01_physics_of_diffusion", claims=(CLAIM,), **lesson):
    """Write what the runner leaves for one executed lesson."""
    home = folder / name
    home.mkdir(parents=True)
    lesson = {"title": "Measure diffusion", "question": "How fast?", "full": "10 min"} | lesson
    (home / f"{name}.ipynb").write_text(json.dumps(notebook(**lesson)))
    (home / "claims.json").write_text(json.dumps(list(claims)))
    (home / "run.json").write_text(json.dumps({"profile": "quick", "cpu_s": 41.2, "wall_s": 50.0}))
    return folder


@pytest.fixture
def executed(tmp_path):
    return execute(tmp_path / "executed")


# --- pages ----------------------------------------------------------------------------------------------------------


def test_no_executed_notebook_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="python -m helpers book"):
        executed_lessons.read_lessons(tmp_path)


def test_a_run_that_broke_off_does_not_count(executed):
    execute(executed, "02_simulating_molecule_movies")
    (executed / "02_simulating_molecule_movies" / "run.json").unlink()
    assert [lesson.name for lesson in executed_lessons.read_lessons(executed)] == ["01_physics_of_diffusion"]


def test_a_scoreboard_without_claims_is_an_error(tmp_path):
    lessons = executed_lessons.read_lessons(execute(tmp_path, claims=()))
    with pytest.raises(ValueError, match="no claim"):
        scoreboard.scoreboard(lessons)


def test_scoreboard_says_what_was_claimed_and_measured(executed, tmp_path):
    text = scoreboard.scoreboard(executed_lessons.read_lessons(executed), tmp_path, tmp_path)
    assert "## Measure diffusion" in text
    assert "(../notebooks/01_physics_of_diffusion.ipynb)" in text
    row = r"4.013 [3.98,&nbsp;4.05] | 4&nbsp;±&nbsp;0.05 | – | µm²/s | Einstein 1905 \| eq. 3 |"
    assert f"<code>msd-slope</code></a> | ✓ holds | {row}" in text
    assert "| Measure diffusion | quick | 41 s | 50 s |" in text
    assert "Of 1 claims, 1 hold and 0 fail." in text


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"expected": 4}, "4 exactly"),
        ({"at_most": 0.25}, "at most 0.25 |"),
        ({"at_most": 0.25, "tolerance": 0.01}, "at most 0.25&nbsp;±&nbsp;0.01 |"),
        ({"at_least": 1, "at_most": 2}, "at least 1, at most 2"),
        ({"verdict": "explored"}, "○ explored, not checked"),
        ({"verdict": "skipped"}, "– skipped"),
        ({"verdict": "pass", "source": "recorded: python -m helpers bench movies"}, "✓ holds (recorded)"),
        ({"verdict": "fail"}, "✗ fails"),
        ({"paper": 0.83}, "| 0.83 |"),
        ({"unit": "um2/s"}, "| µm²/s |"),
        ({"unit": "px^2/frame"}, "| px²/frame |"),
        ({"measured": None, "interval": None, "tolerance": None, "unit": None}, "| – |"),
    ],
)
def test_scoreboard_reads_every_kind_of_claim(tmp_path, claim, words):
    lessons = executed_lessons.read_lessons(execute(tmp_path, claims=[{"name": "some-claim", **claim}]))
    assert words in scoreboard.scoreboard(lessons, tmp_path, tmp_path)


def test_scoreboard_shows_what_was_recorded_where_the_data_were(tmp_path):
    known = {"measured": 2.43, "expected": 2.35, "tolerance": 0.2, "source": "21 / 53 °C"}
    skipped = {"name": "shrinks", "measured": None, "verdict": "skipped", "source": "no gels here"}
    claims = [skipped | {"recorded": known}, skipped | {"name": "unknown"}]
    text = scoreboard.scoreboard(executed_lessons.read_lessons(execute(tmp_path, claims=claims)), tmp_path, tmp_path)
    row = "✓ holds (recorded with the data) | 2.43 | 2.35&nbsp;±&nbsp;0.2 | – | – | 21 / 53 °C |"
    assert f"<code>shrinks</code></a> | {row}" in text
    assert "<code>unknown</code></a> | – skipped | – |" in text
    assert (
        "Skipped: 2, for the reason beside each. Of these 1 need data that were not there, and are shown as recorded"
        in text
    )
    claims[0]["recorded"] = known | {"measured": 3}
    lessons = executed_lessons.read_lessons(execute(tmp_path / "again", claims=claims))
    assert "✗ fails (recorded with the data) | 3 |" in scoreboard.scoreboard(lessons, tmp_path, tmp_path)


def test_scoreboard_shows_records_and_weights(executed, tmp_path):
    record = {"command": "python -m helpers bench x", "commit": "a" * 40, "hardware": {"cpu": "2 cores"}}
    (tmp_path / "speed.json").write_text(json.dumps(record | {"values": {"ratio": {"value": 25.3, "n": 5}}}))
    text = scoreboard.scoreboard(
        executed_lessons.read_lessons(executed), results=tmp_path, checkpoints=tmp_path / "none"
    )
    assert "| `speed` | `python -m helpers bench x` | `aaaaaaaaaaaa` | cpu 2 cores |" in text
    assert "| `ratio.value` | 25.3 |" in text
    assert "Shipped weights" not in text
    (tmp_path / "net.json").write_text(json.dumps({"sha256": "b" * 64, "parameters": 52_000, "metrics": {"rms": 0.15}}))
    text = scoreboard.scoreboard(
        executed_lessons.read_lessons(executed), results=tmp_path / "none", checkpoints=tmp_path
    )
    assert "| `net` | 52000 | rms 0.15 | `bbbbbbbbbbbb` |" in text


def test_table_of_lessons_links_from_any_depth(executed):
    lessons = executed_lessons.read_lessons(executed)
    row = "notebooks/01_physics_of_diffusion.ipynb) | How fast? | 41 s | 10 min |"
    assert f"| [Measure diffusion](../{row}" in pages.lesson_table(lessons)
    assert f"| [Measure diffusion](../../{row}" in pages.lesson_table(lessons, "../../")


def test_data_cards_add_up_the_registry(tmp_path):
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "movies.md").write_text("# Movies\n\n```\n# a comment\n```\n\n## Flaws\n")
    head = "dataset,repository,commit,path,sha256,bytes,licence\n"
    rows = "movies,owner/name,c0ffee,a.tif,1,600000,none stated\nmovies,owner/name,c0ffee,b.tif,2,900000,none stated\n"
    (tmp_path / "registry.csv").write_text(head + rows)
    text = pages.data_cards(tmp_path)
    link = "[owner/name](https://github.com/owner/name/tree/c0ffee)"
    assert f"| `movies` | 2 | 1.5 MB | none stated | {link} |" in text
    assert "\n## Movies\n" in text
    assert "\n### Flaws" in text
    assert "\n# a comment\n" in text


def test_data_cards_say_so_where_there_is_no_data(tmp_path):
    assert "No real data set is registered." in pages.data_cards(tmp_path)


# --- the staged site ------------------------------------------------------------------------------------------------


@pytest.fixture
def staged(executed, tmp_path, monkeypatch):
    monkeypatch.setattr(site, "repository", lambda: None)
    stage = tmp_path / "stage"
    return site.stage_site(executed, stage), stage


def test_stage_leaves_out_lessons_not_executed_and_names_them(staged):
    left_out, stage = staged
    toc = yaml.safe_load((stage / "book" / "_toc.yml").read_text())
    files = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    assert [file for file in files if file.startswith("notebooks/")] == ["notebooks/01_physics_of_diffusion"]
    assert "00_start_here" in left_out
    assert "Start here" not in [part["caption"] for part in toc["parts"]]


def test_every_page_of_the_contents_is_staged(staged):
    _, stage = staged
    toc = yaml.safe_load((stage / "book" / "_toc.yml").read_text())
    files = [toc["root"]] + [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    missing = [file for file in files if not list((stage / file).parent.glob((stage / file).name + ".*"))]
    assert missing == []


def test_staged_notebook_keeps_no_trace_of_the_run(staged):
    _, stage = staged
    text = (stage / "notebooks" / "01_physics_of_diffusion.ipynb").read_text()
    assert "papermill" not in text
    assert "injected-parameters" not in text
    assert "1 + 1" in text


def test_pages_that_ask_for_it_get_the_table_of_lessons(staged):
    _, stage = staged
    for page, up in (("intro.md", "../"), ("instructor/index.md", "../../")):
        text = (stage / "book" / page).read_text()
        assert pages.MARK not in text
        assert f"]({up}notebooks/01_physics_of_diffusion.ipynb)" in text


def test_a_lesson_without_a_line_in_the_contents_is_an_error(executed, tmp_path):
    execute(executed, "77_unlisted")
    with pytest.raises(site.BookFailed, match="77_unlisted"):
        site.stage_site(executed, tmp_path / "stage")


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/owner/name.git",
        "https://github.com/owner/name",
        "https://token@github.com/owner/name.git",
        "git@github.com:owner/name.git",
        "ssh://git@github.com/owner/name.git",
    ],
)
def test_a_github_remote_becomes_a_public_address(remote):
    assert site._github(remote) == "https://github.com/owner/name"


@pytest.mark.parametrize("remote", ["", "../elsewhere", "https://example.org/owner/name.git", "git@github.com:owner"])
def test_any_other_remote_gives_no_address(remote):
    assert site._github(remote) is None


def test_buttons_appear_only_with_an_address(executed, tmp_path, monkeypatch):
    for address, shown in ((None, False), ("https://github.com/owner/name", True)):
        monkeypatch.setattr(site, "repository", lambda address=address: address)
        site.stage_site(executed, tmp_path / "stage")
        config = yaml.safe_load((tmp_path / "stage" / "book" / "_config.yml").read_text())
        options = config["sphinx"]["config"]["html_theme_options"]
        assert (options.get("repository_url") == "https://github.com/owner/name") is shown
        assert ("colab_url" in options.get("launch_buttons", {})) is shown


# --- building -------------------------------------------------------------------------------------------------------


@pytest.fixture
def sphinx(monkeypatch):
    """A stand-in for Jupyter Book: writes an index, counts its runs, and can be told to break off."""
    runs = []

    def run(stage):
        (stage / "_build" / "html").mkdir(parents=True)
        (stage / "_build" / "html" / "index.html").write_text("")
        runs.append(stage)
        if run.breaks:
            raise KeyboardInterrupt

    run.breaks = False
    run.runs = runs
    monkeypatch.setattr(site, "_run_jupyter_book", run)
    monkeypatch.setattr(site, "repository", lambda: None)
    return run


def test_a_second_build_of_the_same_sources_builds_nothing(executed, tmp_path, sphinx):
    stage = tmp_path / "Bücher und Seiten"
    assert site.build(executed, stage) == site.build(executed, stage) == stage / "_build" / "html" / "index.html"
    assert len(sphinx.runs) == 1


def test_a_changed_claim_builds_again(executed, tmp_path, sphinx):
    site.build(executed, tmp_path / "site")
    (executed / "01_physics_of_diffusion" / "claims.json").write_text(json.dumps([CLAIM | {"measured": 4.02}]))
    site.build(executed, tmp_path / "site")
    assert len(sphinx.runs) == 2


def test_an_interrupted_build_is_not_taken_for_a_finished_one(executed, tmp_path, sphinx):
    sphinx.breaks = True
    with pytest.raises(KeyboardInterrupt):
        site.build(executed, tmp_path / "site")
    assert site.finished(tmp_path / "site") is None
    sphinx.breaks = False
    assert site.build(executed, tmp_path / "site").is_file()
    assert len(sphinx.runs) == 2


def test_a_failed_build_names_the_warnings_and_the_log(tmp_path):
    log = tmp_path / "build.log"
    log.write_text("fine\n\x1b[91mintro.md:3: WARNING: unknown document\x1b[39m\nfine\n")
    message = site._complaint(log)
    assert "intro.md:3: WARNING: unknown document" in message
    assert "fine" not in message
    assert str(log) in message


# --- what lies in book/ ---------------------------------------------------------------------------------------------

WINGS = {"wings.js", *(f"wing-{wing}.js" for wing in ("colloids", "microgels", "nanoparticles", "textures"))}
OURS = WINGS | {"VENDOR.json", "VENDOR.md", "book.css", "book.js", "first.js", "hero.js", "widget-paths.js"}
VENDORED = json.loads((BOOK / "vendor" / "VENDOR.json").read_text())


def test_vendored_files_are_the_published_ones():
    assert VENDORED
    for entry in VENDORED:
        content = (BOOK / "vendor" / entry["file"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], entry["file"]
        assert (BOOK / "vendor" / entry["licence_text"]).stat().st_size > 500


def test_every_file_of_the_vendor_folder_is_accounted_for():
    lying = {path.name for path in (BOOK / "vendor").iterdir() if path.is_file()}
    assert lying == OURS | {entry["file"] for entry in VENDORED}


def test_no_folder_is_called_static():
    assert not list(BOOK.rglob("_static")), "Jupyter Book loads every script below such a folder twice"


def test_the_table_of_planted_bugs_counts_those_found(tmp_path):
    rows = [
        {"bug": "2 D t", "file": "a.py", "found_by": "tests"},
        {"bug": "z, x", "file": "b.py", "found_by": "nobody"},
    ]
    (tmp_path / "mutants.json").write_text(json.dumps({"values": {"mutants": rows}}))
    text = pages.bug_table(tmp_path)
    assert text.startswith("1 of 2 are found.")
    assert "| z, x | `b.py` | nobody |" in text


def test_claims_that_fail_under_a_condition_are_named(tmp_path):
    values = {"seed 1": {"claims": 5, "fail": []}, "seed 2": {"claims": 5, "fail": [{"lesson": "04", "name": "area"}]}}
    (tmp_path / "conditions.json").write_text(json.dumps({"values": values}))
    text = pages.condition_table(tmp_path)
    assert "| seed 1 | 5 | 5 | – |" in text
    assert "| seed 2 | 5 | 4 | 04 `area` |" in text


def test_every_claim_of_a_page_has_a_place_to_link_to(tmp_path):
    (lesson,) = executed_lessons.read_lessons(execute(tmp_path))
    lesson.notebook["cells"] = [
        code_cell("claim(...)", f"claim {claim['name']} holds: 1, expected 1\n") for claim in lesson.claims
    ]
    shown = executed_lessons.page(lesson)["cells"]
    for k, claim in enumerate(lesson.claims):
        assert shown[2 * k]["source"] == f'<div id="claim-{claim["name"]}"></div>'
        assert f'href="../notebooks/{lesson.name}.html#claim-{claim["name"]}"' in scoreboard.scoreboard([lesson])


def test_a_page_says_how_it_is_made_again(tmp_path):
    (lesson,) = executed_lessons.read_lessons(execute(tmp_path))
    lesson.notebook["cells"] = [code_cell('results.read("movies")\nresults.read(f"replica-{name}")', "")]
    note = executed_lessons.page(lesson)["cells"][-1]["source"]
    assert "`python -m helpers run 01 --force`" in note
    assert "`python -m helpers bench movies`" in note
    assert "`python -m helpers train park" in note


@pytest.mark.parametrize(
    ("measured", "tolerance", "words"), [(1.04, 0.05, "the same"), (1.06, 0.05, "higher"), (0.9, 0, "lower")]
)
def test_what_a_paper_says_stands_beside_ours(tmp_path, measured, tolerance, words):
    claim = {"name": "mine", "measured": measured, "paper": 1.0, "tolerance": tolerance, "verdict": "pass"}
    text = scoreboard.scoreboard(executed_lessons.read_lessons(execute(tmp_path, claims=[claim])))
    section = text.split("## Against the papers")[1].split("\n## ")[0]
    assert f"| {measured} | 1 | {words} |" in section


def test_what_a_lesson_says_about_its_paper_stands_on_the_scoreboard(tmp_path):
    (lesson,) = executed_lessons.read_lessons(execute(tmp_path))
    text = "## What the paper said and what we found\n\n| It | {doc}`02_see` |\n\n## Exercises\n\nTry."
    lesson.notebook["cells"] = [{"cell_type": "markdown", "metadata": {}, "source": text}]
    section = scoreboard.scoreboard([lesson]).split("## Against the papers")[1].split("\n## ")[0]
    assert section.strip() == "### Measure diffusion\n\n| It | {doc}`../notebooks/02_see` |"


def test_every_speed_keeps_its_limit_and_is_shown():
    rows = speeds.speeds()
    assert len(rows) >= 12
    assert [row.what for row in rows if not row.holds] == []
    shown = speeds.page()
    assert all(row.what in shown and row.what in speeds.text() for row in rows)
    assert all(f"`python -m helpers bench {row.record}`" in shown for row in rows)
