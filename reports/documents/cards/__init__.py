"""The card of a story: what a committee reads of it, and how it keeps to stated limits."""
