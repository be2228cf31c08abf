"""A Sphinx extension that repairs what the theme and docutils leave inaccessible or too heavy in the written pages."""

REPAIRS = {
    # A list of citations: its items must be list items, the role docutils gives them is deprecated.
    'role="doc-biblioentry"': 'role="listitem"',
}


def repair(app, page, template, context, doctree):  # noqa: ARG001  (Sphinx fixes the signature)
    """Rewrite the body of one page before its template is filled."""
    for wrong, right in REPAIRS.items():
        context["body"] = context.get("body", "").replace(wrong, right)


def lighten(app, page, template, context, doctree):  # noqa: ARG001
    """Take MathJax, 2.3 MB, from a page without formulas: Sphinx gives it to pages with formulas and to all above."""
    if 'class="math' not in context.get("body", ""):
        math = app.config.mathjax_path
        context["script_files"][:] = [file for file in context["script_files"] if math not in str(file.filename)]


def setup(app):
    """Connect the repairs to the writing of pages."""
    app.connect("html-page-context", repair)
    app.connect("html-page-context", lighten, priority=900)  # after MathJax was added
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
