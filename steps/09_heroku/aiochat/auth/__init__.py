"""People: their names, and how they log in and out."""
