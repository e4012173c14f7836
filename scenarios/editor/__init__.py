"""What an editor shows: the JSON Schema and the meaning of every key."""
