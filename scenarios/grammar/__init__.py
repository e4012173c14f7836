"""Names, formulas and endings: the words of which stories are made."""
