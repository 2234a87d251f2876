"""Several source connections, and objects that are put together from several: one source to all verbs."""
