"""Shapes, rows and names of which figures are drawn."""
