"""The verbs of the group `mapping`: write, judge and try mappings."""
