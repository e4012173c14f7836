"""Results for other people's documents: a Markdown annex and a goal structure."""
