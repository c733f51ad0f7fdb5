"""Official documents: the GB/T 9704 writer, and one document per folder or file."""
