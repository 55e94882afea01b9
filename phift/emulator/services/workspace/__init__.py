"""The one workspace, its region's VM sizes, usages and quotas, and its operations' status."""
