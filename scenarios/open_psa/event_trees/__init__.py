"""Event trees in the Open-PSA format: ways through them, and a story of every sequence."""
