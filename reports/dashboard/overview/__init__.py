"""The pages that show more than one story: all of a folder, and two or more compared."""
