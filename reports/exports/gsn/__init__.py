"""A story as an argument in the Goal Structuring Notation, as YAML and as a picture."""
