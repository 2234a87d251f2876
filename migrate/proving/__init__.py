"""What the first record of each object proves, and how the object is graded by it."""
