"""Documents (PDFs, published data sets of pages) to document records."""
