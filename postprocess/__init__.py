"""The selection, from files to a result and its report, in rooms.

    runtime         what any batch program needs: exits, progress, stages, threads, processes, output files
    data            files, typed values and the training data's formats; from them, integer codes
    rules           what holds in every training row: found or given, checked, repaired
    tables          contingency tables of codes: layout, counts, accuracy, mutual information
    privacy         distances to the closest real row, and membership attacks
    selection       the method, one step a file; `select.py` calls the steps in order
    report          what a run reports: summary, page, mostlyai-qa's figures
    overrides       parameters in place of those that a program holds
    command_line    what a call of main.py asks for
    preflight       whether memory and disk suffice, before hours of work
    scoring         how accurate a cycle's sample is, while the pool is built

The import rule: a room imports only rooms above it in this list, and `data`, `rules` and `tables` do not import each
other. Of `data`, `selection` imports only `data.codes`. `overrides` imports only `runtime`. Only main.py imports
`preflight`, `scoring` and `command_line`. The steps `ipf`, `rounding`, `trimming` and `refinement` do not import each
other; nor do `pool` and `postprocess`. pyproject.toml states the rule for import-linter, and tests/run.sh enforces it.
"""
