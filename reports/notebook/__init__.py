"""Stories and results that show themselves in notebooks."""
