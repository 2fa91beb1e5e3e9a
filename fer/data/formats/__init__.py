"""The common forms of FER-2013: archives, image files, tables."""
