"""What all evidence on a company adds up to, and the warnings made of it."""
