"""Reports: built as data (`model`), then rendered for the terminal, as JSON, and as one self-contained page."""
