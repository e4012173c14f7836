"""The JSON contract: a type of every document, with the meaning and the unit of every key."""
