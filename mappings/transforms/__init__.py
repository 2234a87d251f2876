"""The named transforms: one module each, found by its name.

A module holds `transform(column, *, ...)`, a pure function of one whole text column and of arguments that the
mapping gives by name (`transform(*columns, ...)` where it makes one column of several, `transform(first, *others,
...)` where one is enough), and EXAMPLES: (arguments, cell, result), which the documentation shows and a test runs.
A null cell gives null. A cell that a transform cannot read it leaves as it is: the target's type will then call it
a misfit, and nothing is lost. A transform raises ValueError for arguments that make no sense, never for a cell.

It may hold `inverse(*, ...)` too: with the same arguments, every text that it reads and the one result of it, or None
where a result may have been several texts. `mappings.reverse` asks for it.
"""
