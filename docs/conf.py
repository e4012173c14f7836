"""Sphinx builds these pages; they read as plain Markdown too."""

import importlib.metadata

project = "storyodds"
author = "The storyodds developers"
release = importlib.metadata.version("storyodds")
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]

html_theme = "sphinx_book_theme"  # of ArviZ's pages, which its readers know
html_title = "storyodds"
html_theme_options = {"show_toc_level": 2, "home_page_in_toc": True}

myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3  # links to headings work as they do in a repository's own view

autodoc_typehints = "none"  # the docstrings have them
autodoc_default_options = {"exclude-members": "model_config, model_post_init"}
numpydoc_show_class_members = False
# Terminal output is plain text: nothing in it is a program to color.
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]  # nor is it one after a `$`
