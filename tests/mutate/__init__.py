"""Mutation testing: every small mistake in what shared memory stands on, one at a time.

    python -m tests.mutate                       all files of `selections.py`
    python -m tests.mutate shm/clean.py          some
    python -m tests.mutate --only fh_wait        mutants with that in function or line
    python -m tests.mutate --named               ten that no test noticed once

A mutant is one edit by the rules of `c_rules.py`, `cython_rules.py` and `python_rules.py`. Its
tests are the quickest that should notice, and before them the one that noticed it last time; a
failure, a crash and a hang have. What survives has a line in `explained.toml` that says why it is
no mistake, or the exit status is 1.

The native files are built once, with all mutants inside, and a number in the environment chooses
(`switched.py`); Python files are imported from an edited copy (`site_finder.py`). Each trial is a
process forked from one that has pytest already (`trial.py`), which makes it a matter of a second;
the processes that a test starts have the mutant too. Nothing in the tree is written to.

Tools that exist do part of it, and would have to be bent for the rest. mutmut and cosmic-ray know
Python alone, which is a quarter of these mutants, and write into the tree or copy it;
universalmutator has rules for text, but one build for each mutant, hours of them here; mull needs
the bitcode of a Clang of its own version. None runs tests in which other processes have to be
mutants too, and none takes a hang of those for an answer.
"""
