"""Molecules: Brownian motion, estimators of the diffusion coefficient, and the microscope that films them."""
