"""Microgels: clouds of localisations, their density, selection and surface, and flows that learn them."""
