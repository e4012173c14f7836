"""The questions that code asks of stories, one call each; the same answers as the commands'."""
