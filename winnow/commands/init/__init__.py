"""`winnow init`: command.py says what it does; the other modules each do a part."""
