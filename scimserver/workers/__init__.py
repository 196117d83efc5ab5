"""What runs beside requests: tidying and mail."""
