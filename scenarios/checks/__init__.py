"""What only the whole story shows to be wrong."""
