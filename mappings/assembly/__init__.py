"""N -> 1: records of several source objects, put together by a key."""

ASSEMBLY = "assembly"
"""Before the name of a mapping that puts its source records together: `assembly.contract` is what it is made from."""
