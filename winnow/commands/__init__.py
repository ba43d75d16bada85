"""The command line's commands, one module each: `NAME`, `configure(parser)` and `execute(arguments)`."""
