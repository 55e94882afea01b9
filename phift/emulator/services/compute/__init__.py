"""AmlCompute clusters."""
