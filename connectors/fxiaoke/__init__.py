"""Fxiaoke (纷享销客): what speaks its OpenAPI, from either end."""
