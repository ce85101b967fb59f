"""What the plan command works out from shapes and compiled programs."""
