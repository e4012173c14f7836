"""The document of `storyodds sensitivity --json`, a file for each part."""
