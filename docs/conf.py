"""The configuration of the documentation site: ``nox -s site`` builds it from the installed wheel.

The pages are Markdown (MyST) and can be read without the site. Nothing is fetched from a network.
"""

from __future__ import annotations

import sys
from pathlib import Path

import backpass

DOCS = Path(__file__).parent
ROOT = DOCS.parent
sys.path.insert(0, str(DOCS / "_ext"))

project = "backpass"
author = "backpass contributors"
project_copyright = author
version = release = backpass.__version__

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_nb",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "breathe",
    "doxygen",
    "docstrings",
    "links",
]
exclude_patterns = ["_ext", "gallery/*.ipynb", "gallery/*.py", "gallery/*.zip"]
root_doc = "index"
nitpicky = True
highlight_language = "text"
suppress_warnings = [
    "config.cache",
    "duplicate_declaration.cpp",  # constructors that differ only in what they require
]

# ---- Markdown and notebooks
myst_enable_extensions = ["colon_fence", "attrs_inline"]
myst_heading_anchors = 4
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

# ---- Python
autodoc_typehints = "none"
autodoc_docstring_signature = False
autodoc_member_order = "bysource"
autodoc_default_options = {
    "members": True,
    # scikit-learn's routing of metadata; its docstrings refer to scikit-learn's pages.
    "exclude-members": "set_fit_request, set_partial_fit_request, set_score_request",
}
numpydoc_show_class_members = False
default_role = "py:obj"

# ---- C++
cpp_id_attributes = ["BACKPASS_EXPORT"]
breathe_default_project = "backpass"
breathe_default_members = ("members",)
breathe_show_include = False
nitpick_ignore_regex = [
    # Namespaces, the standard library and template parameters have no entries.
    (r"cpp:.*", r"backpass|schedules|backpass::schedules"),
    (r"cpp:.*", r"std(::.*)?"),
    (r"cpp:.*", r"(T|U|V|View|Range|Function<.*>|pointer_to|string|byte|\w+_t)"),
    (r"cpp:.*", r"MPI_\w+"),
]

# ---- examples
sphinx_gallery_conf = {
    "examples_dirs": "../examples/python",
    "gallery_dirs": "gallery",
    # The others are shown without their output: they take too long, or need a data set.
    "filename_pattern": r"/(custom_cost|decision_regions|digits|lbfgs|quantiles)\.py$",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,
    "copyfile_regex": "",
    "plot_gallery": "True",
}

# ---- HTML
html_theme = "pydata_sphinx_theme"
html_title = "backpass"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"comparison": [], "versions": []}
