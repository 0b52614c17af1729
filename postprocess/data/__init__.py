"""From files to typed values and integer codes, and from selected rows to a CSV in the training data's formats."""
