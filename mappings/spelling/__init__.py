"""What transforms know of how people write: dates in words, places, pages; and cells worked off once each."""
