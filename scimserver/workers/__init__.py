"""What runs beside requests: tidying for now."""
