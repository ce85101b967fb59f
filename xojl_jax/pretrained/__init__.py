"""Published weights: folders as the Hugging Face hub has them, into our parameters and back."""
