"""Documents as labelled data, CSV and BibTeX."""
