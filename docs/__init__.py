"""The pages, and what makes parts of them."""
