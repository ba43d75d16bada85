"""What the pipeline's tables must be (`schemas`), and how far they went from the last release (`profile`, `drift`)."""
