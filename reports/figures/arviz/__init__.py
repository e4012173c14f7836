"""Pictures by ArviZ of the draws of a result."""
