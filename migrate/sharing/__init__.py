"""A run that several processes share: who lays it out, who works on it, who watches."""
