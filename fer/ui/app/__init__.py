"""The server of all pages: routes, navigation, what is done once at its start."""
