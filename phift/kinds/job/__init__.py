"""job: one run of the fine-tune pipeline component."""
