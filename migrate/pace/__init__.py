"""How many calls: what they cost, what was made, what another terminal asks for."""
