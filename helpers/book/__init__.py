"""From notebooks to a book: run them, compare the pairs, stage and build the site."""
