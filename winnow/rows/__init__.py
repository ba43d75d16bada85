"""The table of the data contract, its ledger, splits and predictions; knows rows, not what a label is."""
