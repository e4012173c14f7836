"""Templates of the live pages."""
