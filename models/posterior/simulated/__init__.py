"""Answers from simulated states, for stories with too many states to sum."""
