"""FER-2013: import, on disk, statistics, sample and FER+ votes."""
