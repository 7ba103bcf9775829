"""The engine `hf`: transformers in this process."""
