"""Formulas, decision diagrams and cut sets; they know no story."""
