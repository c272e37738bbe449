"""What is true of markets and disclosures: frames in, frames out. No dagster, no network, no clock, no environment."""
