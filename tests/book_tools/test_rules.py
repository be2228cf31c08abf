"""The template keeps every rule; a copy of it that breaks one is told so, once, in a sentence."""

import re

import jupytext
import pytest

from helpers.book import lessons, rules, runner, template

TEXT = template.TEMPLATE.read_text(encoding="utf-8")
LONG = "\n".join(f"x{i} = {i}" for i in range(26))


def put(old, new):
    """Return a change of the template: ``old`` becomes ``new``, everywhere."""

    def change(text):
        assert old in text
        return text.replace(old, new)

    return change


def cut(pattern):
    """Return a change of the template: all that matches ``pattern`` goes."""

    def change(text):
        assert re.search(pattern, text, re.M)
        return re.sub(pattern, "", text, flags=re.M)

    return change


BROKEN = [
    (cut(r"^#     question: .*\n"), "the lesson block of the header lacks 'question'"),
    (cut(r"^#     title: .*\n"), "the lesson block of the header lacks 'title'"),
    (cut(r"^#     full: .*\n"), "the lesson block of the header lacks 'full'"),
    (cut(r"^#     quick_cpu_s: .*\n"), "the lesson block of the header lacks 'quick_cpu_s'"),
    (put("quick_cpu_s: 3", "quick_cpu_s: 91"), "quick_cpu_s in the header must be above 0 and at most 90, it is 91"),
    (
        put("quick_cpu_s: 3", "quick_cpu_s: ten"),
        "quick_cpu_s in the header must be above 0 and at most 90, it is 'ten'",
    ),
    (put("name: python3", "name: julia"), "the kernel in the header is not that of the template"),
    (put("# # Count photons\n", "#\n"), "the first cell does not begin with a title, `# ...`"),
    (put("**You need.**", "You need."), "the first cell lacks **You need.**"),
    (
        lambda text: (
            text.replace("**Time.**", "**?**")
            .replace("**You do", "**")
            .replace("**You need.**", "**Time.**")
            .replace("**?**", "**You need.**")
        ),
        "the first cell does not keep the order The question, You will do, You will learn, You need, Time",
    ),
    (
        put(' tags=["parameters"]', ""),
        "the cell of parameters cannot be read: a lesson has exactly one cell tagged 'parameters', found 0",
    ),
    (put("SEED = 0", "SEED = 1"), 'the cell of parameters does not begin with PROFILE = "quick" and SEED = 0'),
    (put("ratio = means", f"{LONG}\nratio = means"), "cell 9 has 36 lines of code, 25 are the most"),
    (put("counts = count_photons(4000)", "counts = = 1"), "cell 5 is no Python: invalid syntax"),
    (put("\nclaim(\n", "\ndict(\n"), "no number is compared with a bound: there is no claim(...)"),
    (put("\nIntervalExplorer()\n", "\n1\n"), "no live figure of a module `widgets` is shown"),
    (put("# ## Summary\n", "# ## The end\n"), "there is no section `## Summary`"),
    (
        cut(r"^# ```\{exercise\} Find the gain\n(# .*\n)+?# ```\n#\n# ````\{solution\}(.*\n)+?# ````\n"),
        "at least 3 exercises are wanted, found 2",
    ),
    (
        put(
            ":label: ex-photon-frames\n",
            ":label: ex-photon-frames\n# ```\n# ```{exercise} A\n# :label: ex-photon-gain\n",
        ),
        "two exercises are called 'ex-photon-gain'",
    ),
    (
        put("{solution} ex-photon-gain\n# :class: dropdown\n", "{solution} ex-photon-gain\n"),
        "the exercise 'ex-photon-gain' has no folded solution",
    ),
    (
        put("# ## Summary", "# ````{solution} ex-none\n# :class: dropdown\n# Yes.\n# ````\n# ## Summary"),
        "the solution of 'ex-none' belongs to no exercise",
    ),
    (
        put("# ## Summary", "# ````{solution} ex-photon-loss\n# :class: dropdown\n# Yes.\n# ````\n# ## Summary"),
        "the exercise 'ex-photon-loss' has two solutions",
    ),
    (put('"alt": "Standard deviation', '"other": "'), "the figure of cell 7 has no alt text of at least 30 characters"),
    (put('"caption": "Four', '"other": "'), "the figure of cell 7 has no caption"),
    (put('"name": "fig-photon-mean"', '"name": "Photons"'), "the figure of cell 7 has no name such as fig-photon-mean"),
    (
        lambda text: text.replace(
            "# %% [markdown]\n# A variance from",
            re.search(r"^# %% mystnb=.*fig-photon-mean.*\n", text, re.M)[0]
            + "plt.show()\n\n# %% [markdown]\n# A variance from",
        ),
        "two figures are called 'fig-photon-mean'",
    ),
    (lambda text: re.sub(r"plotting\.figure\(|plt\.show\(", "print(", text), "there is no figure"),
]


def flaws(text):
    return rules.flaws(jupytext.reads(text, fmt="py:percent"))


def test_the_template_keeps_the_rules():
    assert flaws(TEXT) == []


@pytest.mark.parametrize(("change", "sentence"), BROKEN, ids=[sentence for _, sentence in BROKEN])
def test_a_broken_rule_is_named_and_no_other(change, sentence):
    assert flaws(change(TEXT)) == [sentence]


def test_a_notebook_with_nothing_in_it_lacks_everything():
    assert len(flaws("")) >= 10


def test_labels_are_those_of_formulas_exercises_and_figures():
    assert rules.labels(lessons.read(template.TEMPLATE)) == {
        "eq-photon-variance",
        "eq-photon-mean",
        "ex-photon-frames",
        "ex-photon-loss",
        "ex-photon-gain",
        "fig-photon-mean",
    }


@pytest.fixture
def begun(house, monkeypatch):
    """Begin a lesson in the small checkout; return its path."""
    monkeypatch.setattr(template, "NOTEBOOKS", house / "notebooks")
    path = template.new("05_see_light", 'See "light": a start')
    yield path
    path.unlink()


def test_the_template_runs_under_a_title_of_its_own(begun, tmp_path):
    lesson = lessons.find(["05"])[0]
    assert (lesson.name, lesson.header["title"]) == ("05_see_light", 'See "light": a start')
    assert lessons.read(begun).cells[0].source.startswith('# See "light": a start\n')
    assert runner.run(["05"], into=tmp_path) == 1
    assert '"verdict": "pass"' in (tmp_path / "05_see_light/claims.json").read_text()
    assert runner.executed(lesson, tmp_path)["cpu_s"] < 20


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize(
    ("name", "title", "message"),
    [
        ("05_other", "Other", r"^number 05 is taken by 05_see_light; 00 is free$"),
        ("5_other", "Other", r"^name must be two digits and lower-case words, .* got '5_other'$"),
        ("06_Other", "Other", r"^name must be"),
        ("../06_other", "Other", r"^name must be"),
        ("06_other", " ", r"^title must be one line of words, got ' '$"),
        ("06_other", "two\nlines", r"^title must be one line"),
    ],
)
def test_a_lesson_is_not_begun_under_a_wrong_name(house, name, title, message):
    before = sorted((house / "notebooks").iterdir())
    with pytest.raises(ValueError, match=message):
        template.new(name, title)
    assert sorted((house / "notebooks").iterdir()) == before
