"""Deliberate bugs, one at least for each trap of the design. The simulator must catch every one: so it can fail.

A mutant swaps a function, a table or a class attribute for a faulty one made of it, for as long as it is built in.
"""

from tests.simulation import mutants_around, mutants_dispatch

MUTANTS = {mutant.name: mutant for mutant in (*mutants_dispatch.MUTANTS, *mutants_around.MUTANTS)}
