"""The same pages live: change a story and see the odds worked out again."""
