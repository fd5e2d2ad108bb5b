"""Our weights in the files of other tools."""
