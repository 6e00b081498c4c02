"""Secret values put wherever a run could meet one, and every byte that leaves it searched for them."""
