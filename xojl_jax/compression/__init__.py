"""What makes a trained model smaller: from parameters to parameters, for any task."""
