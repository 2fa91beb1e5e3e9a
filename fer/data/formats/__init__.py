"""The forms in which people have FER-2013: archives, image files, tables."""
