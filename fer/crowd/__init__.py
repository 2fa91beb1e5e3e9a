"""Models against people: FER+ votes, disputed labels, a game."""
