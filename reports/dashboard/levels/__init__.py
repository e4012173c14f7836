"""What a reader meets first: the levels of a page, its bar, and sections made for them."""
