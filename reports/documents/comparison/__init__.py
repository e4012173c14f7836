"""The document of `storyodds compare --json`, a file for each part."""
