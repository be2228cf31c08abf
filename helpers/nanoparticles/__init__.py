"""Nanoparticles: card suits and gold clusters that lie any way round, the rotation-invariant VAE, and classifiers."""
