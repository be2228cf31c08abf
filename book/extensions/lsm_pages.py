"""A Sphinx extension that repairs what the theme and docutils leave inaccessible in the written pages."""

REPAIRS = {
    # A list of citations: its items must be list items, the role docutils gives them is deprecated.
    'role="doc-biblioentry"': 'role="listitem"',
}


def repair(app, page, template, context, doctree):  # noqa: ARG001  (Sphinx fixes the signature)
    """Rewrite the body of one page before its template is filled."""
    for wrong, right in REPAIRS.items():
        context["body"] = context.get("body", "").replace(wrong, right)


def setup(app):
    """Connect the repair to the writing of pages."""
    app.connect("html-page-context", repair)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
