"""The pages of the documentation that are made of the code, and the hook that mkdocs calls."""
