"""What `check` does beyond comparing a mapping with both schemas."""
