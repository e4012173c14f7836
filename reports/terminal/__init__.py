"""Documents printed."""
