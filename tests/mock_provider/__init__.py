"""A stand-in for the paid LLM providers, for tests and the demo of every language."""
