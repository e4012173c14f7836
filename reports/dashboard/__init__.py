"""Pages of results that need nothing but a browser: one for each story, and one for them all."""
