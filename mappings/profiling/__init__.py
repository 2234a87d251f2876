"""What is really in the fields of an object: measures of whole columns, chunk by chunk, in flat memory."""
