"""What trains any task: sharding, state, step, optimizer, checkpoints, telemetry and the loop."""
