"""The JSON contract: one object for each question."""
