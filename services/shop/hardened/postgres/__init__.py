"""PostgreSQL with a deadline that the client itself keeps."""
