"""What a plan costs: prices of VM sizes, durations of jobs, and the budget.

Imported only if a plan changes something that is billed, or if a command shows costs.
"""
