"""What stories share: the catalog, and the rules of the linter as readers know them."""
