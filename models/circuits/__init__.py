"""Sums of products: factors, elimination, circuits; they know no story."""
