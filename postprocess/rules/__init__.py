"""Rules that hold in every row: how they are found in the training data, given by the user, checked and repaired."""
