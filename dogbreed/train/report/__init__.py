"""What people read about a bundle: metrics, plots, card, report."""
