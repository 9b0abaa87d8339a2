"""How the documentation is built: `make docs`, with no network."""

import inspect
import os
import re

import matplotlib

import skxfer

# One plain backend and one thread, so that examples look and run alike everywhere.
matplotlib.use("agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")

project = "skxfer"
author = "the skxfer developers"
copyright = author
version = release = skxfer.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "auto_examples/*.ipynb"]
default_role = "literal"
highlight_language = "python"


def _methods_from_our_bases():
    """Public methods that our classes have from our own base classes: they belong on the classes' pages."""
    found = {}
    for package in skxfer.__all__:
        module = getattr(skxfer, package)
        for name in getattr(module, "__all__", ()) if inspect.ismodule(module) else ():
            cls = getattr(module, name)
            if not inspect.isclass(cls):
                continue
            bases = [base for base in cls.__mro__[1:] if base.__module__.startswith("skxfer")]
            methods = {name for base in bases for name in vars(base) if not name.startswith("_")}
            found[f"skxfer.{package}.{name}"] = sorted(methods - {"get_params", "set_params"})
    return found


autosummary_generate = True
autosummary_context = {"from_our_bases": _methods_from_our_bases()}
autodoc_default_options = {"members": False}
numpydoc_show_class_members = False
toc_object_entries_show_parents = "hide"

# Every cross-reference to our own names must resolve. Those of other packages would need their
# inventories from the network, and stay plain text.
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!skxfer).*")]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "doc_module": ("skxfer",),
    "backreferences_dir": "api/generated/backreferences",
    "reference_url": {"skxfer": None},
    "within_subsection_order": "ExampleTitleSortKey",
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 1e9,
    "plot_gallery": "True",
}

html_theme = "pydata_sphinx_theme"
html_title = "skxfer"
html_static_path = ["_static"]
html_css_files = ["skxfer.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "skxfer"},
    "show_prev_next": True,
    "navigation_with_keys": False,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {
    page: [] for page in ("index", "install", "tutorial", "benchmarks", "contributing", "changelog")
}


def _markdown_to_rst(app, relative_path, parent_docname, content):
    """Let pages include the Markdown of the changelog: headings, code and links have other marks."""
    if not str(relative_path).endswith("CHANGELOG.md"):
        return
    text = re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", content[0])
    text = re.sub(r"\[([^\]]+)\]\((https?://[^)]+)\)", r"`\1 <\2>`_", text)
    for level, line in (("# ", "="), ("## ", "-"), ("### ", "~")):
        text = re.sub(
            rf"(?m)^{level}(.+)$", lambda found, line=line: f"{found[1]}\n{line * len(found[1])}", text
        )
    content[0] = text


def setup(app):
    app.connect("include-read", _markdown_to_rst)
