"""Numbers of an Open-PSA file: units, random deviates, and the functions of them."""
