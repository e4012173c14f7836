"""Commands that read the files of other programs: fault trees, event trees, networks."""
