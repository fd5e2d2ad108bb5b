"""Models on the Hugging Face Hub: naming, fetching and publishing them."""
