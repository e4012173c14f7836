"""The parts of a sensitivity document."""
