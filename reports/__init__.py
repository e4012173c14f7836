"""What people read: documents, and how they are printed, drawn, exported and shown."""
