"""What trains any task: sharding, state, step, optimiser, checkpoints, telemetry and the loop."""
