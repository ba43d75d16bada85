"""What every part stands on: errors, files, parameters, how a stage starts and where its work runs; knows no rows."""
