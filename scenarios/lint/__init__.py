"""What a careful reader would ask, one file for each kind of question."""
