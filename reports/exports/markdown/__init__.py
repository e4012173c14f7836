"""A story and its answers as an annex of a safety case, in Markdown."""
