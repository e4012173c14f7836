"""A story as a graph: assumptions, routes, kinds of model, checks and endings."""
