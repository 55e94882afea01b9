"""AmlCompute clusters, VM sizes and quota."""
