"""Say what becomes what: the mapping language, its strict reader, its transforms, people, and the shipped packs."""
