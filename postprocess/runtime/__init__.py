"""What any batch program needs. This room knows nothing of data or tables and imports no other room."""
