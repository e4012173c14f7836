"""The parts of a sensitivity analysis, printed."""
