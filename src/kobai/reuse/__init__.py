"""Weights of one task as the start of another: supervised pretraining, fine tuning, transfer learning."""
