"""Do it: the project's configuration and the verbs. Verbs return values; nothing here prints."""
