"""Fault trees in the Open-PSA format, read strictly and turned into stories."""
