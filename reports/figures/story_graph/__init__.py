"""A story as a graph: one picture for wide places, one for phones, from the same parts."""
