"""What each node does: the code it is turned into, and the plain functions that this code calls."""
