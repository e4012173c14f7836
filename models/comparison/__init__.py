"""Stories, views and results side by side at the same numbers."""
