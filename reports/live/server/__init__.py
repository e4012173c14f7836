"""The server of live pages: addresses, who may ask, who computes when, and in which process."""
