"""From files to integer codes, and from chosen rows to a CSV file in the training data's formats."""
