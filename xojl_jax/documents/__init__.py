"""Pages of documents as records: what data_prep writes and the document task reads."""
