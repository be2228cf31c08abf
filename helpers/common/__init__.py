"""The ground floor: what every wing stands on. Imports no wing."""
