"""One file a command, named as the command, and what they share."""
