"""Textures: line images and microstructures, two-point statistics, phase retrieval, statistics-space autoencoders."""
