"""What the odds hang on, one file for each question."""
