"""The main road: from a prepared story to an assessment, saved and read again."""
