"""The same story as a PyMC model, by a second road."""
