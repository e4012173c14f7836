"""The numbers of a story: the slots they stand in, what overrides them, and what each becomes."""
