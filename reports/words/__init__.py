"""How numbers and endings are worded."""
