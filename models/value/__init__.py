"""What is worth finding out next."""
