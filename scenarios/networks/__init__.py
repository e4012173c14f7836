"""Bayesian networks in BIF, XMLBIF and XDSL, read strictly, turned into stories and written."""
