"""The demo: two invented CRMs of a healthcare-services company, the project between them, and what must come of it."""
