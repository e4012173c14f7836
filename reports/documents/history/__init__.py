"""Earlier makes of a story's page: kept beside it, and what changed from one to the next."""
