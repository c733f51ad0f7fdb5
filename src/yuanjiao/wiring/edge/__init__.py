"""An edge as a product: set up by one command, backed up and put back."""
