"""What the programs on Linux share, hub and terminal alike, and a node has no use for."""
