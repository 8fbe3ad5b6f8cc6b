"""Layout to occupancy: the VAE, the layout encoder, STOccDiT, rectified flow and the rollout (paper section 3.2)."""
