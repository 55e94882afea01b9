"""compute: an AmlCompute cluster, or a reference to one."""
