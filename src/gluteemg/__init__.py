"""gluteemg."""
